"""Running commands: start, confine, stream, cap, time out, and tell the model about it."""
