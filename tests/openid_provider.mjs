// A real OpenID provider (npm: oidc-provider) with the addresses that our sign-in expects.
// node openid_provider.mjs NODE_MODULES CLIENT_ID: prints its URL, ends with its standard input.

import http from "node:http";
import path from "node:path";
import { pathToFileURL } from "node:url";

const [modules, clientId] = process.argv.slice(2);
const { default: Provider } = await import(pathToFileURL(path.join(modules, "oidc-provider/lib/index.js")));

const server = http.createServer();
await new Promise((ready) => server.listen(0, "127.0.0.1", ready));
const url = `http://127.0.0.1:${server.address().port}`;

const AUTH = "https://api.openai.com/auth";
const provider = new Provider(url, {
  clients: [
    {
      client_id: clientId,
      application_type: "native",
      token_endpoint_auth_method: "none",
      grant_types: ["authorization_code", "refresh_token"],
      redirect_uris: ["http://localhost/auth/callback"],
    },
  ],
  claims: { openid: ["sub", AUTH], email: ["email"], profile: ["name"] },
  conformIdTokenClaims: false,
  features: { devInteractions: { enabled: true }, revocation: { enabled: true, allowedPolicy: () => true } },
  findAccount: (_context, id) => ({
    accountId: id,
    claims: () => ({
      sub: id,
      email: `${id}@example.test`,
      [AUTH]: { chatgpt_account_id: `account-of-${id}`, chatgpt_plan_type: "plus" },
    }),
  }),
  issueRefreshToken: () => true,
  rotateRefreshToken: true,
  pkce: { required: () => true },
  routes: { authorization: "/oauth/authorize", token: "/oauth/token", revocation: "/oauth/revoke" },
  cookies: { keys: ["not a secret"] },
});

const answer = provider.callback();
let isFailing = false;
server.on("request", (request, response) => {
  if (request.url === "/fail-once") {
    // For tests: the next code is not exchanged.
    isFailing = true;
    return void response.end("ok");
  }
  if (isFailing && request.url === "/oauth/token") {
    isFailing = false;
    response.statusCode = 500;
    return void response.end("<h1>on fire</h1>");
  }
  const type = request.headers["content-type"] ?? "";
  if (!type.startsWith("application/json")) return void answer(request, response);
  // The protocol has forms only; ours sends renewals and revocations as JSON, which is what it is asked for.
  const pieces = [];
  request.on("data", (piece) => pieces.push(piece));
  request.on("end", () => {
    request.headers["content-type"] = "application/x-www-form-urlencoded";
    request.body = JSON.parse(Buffer.concat(pieces).toString());
    answer(request, response);
  });
});

console.log(url);
process.stdin.on("end", () => process.exit(0)).resume();
