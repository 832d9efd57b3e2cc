"""The client of MCP servers, which give the model further tools (spec: agent.md section 17)."""
