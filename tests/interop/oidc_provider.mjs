// An identity provider that others wrote (`oidc-provider`), for a house whose edge is at ORIGIN. Whoever is named in
// `login_hint` is let in and agrees to everything; all else is as its makers made it: PKCE is required, refresh tokens are
// good once, and one that is shown twice ends all that came of its sign-in.
//
//     node oidc_provider.mjs PORT ORIGIN
//
// It says `{"ready":true}`, and then does what it is told, one line of JSON for each: `{"do":"count"}` says how many
// refresh tokens were used, `{"do":"revoke","user":…}` takes back what somebody was given.

import { generateKeyPairSync } from "node:crypto";
import { createServer } from "node:http";
import { createInterface } from "node:readline";
import { Provider } from "../../.tools/js/node_modules/oidc-provider/lib/index.js";

const [port, origin] = process.argv.slice(2);
const say = (what) => console.log(JSON.stringify(what));
// What it logs is no answer.
for (const word of ["info", "warn", "error"]) console[word] = () => {};

const key = generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey.export({ format: "jwk" });
const claims = (id) => ({
  sub: `corp|${id}`,
  name: `${id} of Corp`,
  login: id,
  org: { id: "corp" },
  realm_access: { roles: ["user", "agent-admin", "offline_access"] },
  groups: ["finance", "hr"],
  plan: "premium",
});
const provider = new Provider(`http://127.0.0.1:${port}`, {
  clients: [
    {
      client_id: "switchboard",
      client_secret: "s3cret:/ +%",
      redirect_uris: [`${origin}/auth/callback`],
      post_logout_redirect_uris: [`${origin}/`],
      grant_types: ["authorization_code", "refresh_token"],
      backchannel_logout_uri: `${origin}/auth/backchannel-logout`,
      backchannel_logout_session_required: true,
    },
  ],
  jwks: { keys: [{ ...key, kid: "one", use: "sig", alg: "RS256" }] },
  cookies: { keys: ["a test"] },
  claims: { openid: ["sub"], profile: ["name"], corp: ["login", "org", "realm_access", "groups", "plan"] },
  // Applications read the ID token alone.
  conformIdTokenClaims: false,
  findAccount: (_, id) => ({ accountId: id, claims: () => claims(id.replace("corp|", "")) }),
  rotateRefreshToken: true,
  pkce: { required: () => true },
  // Edges of a test are on loopback, which it asks nothing of by itself.
  fetch: (url, { dispatcher: _, ...options }) => fetch(url, options),
  features: {
    devInteractions: { enabled: false },
    backchannelLogout: { enabled: true },
    revocation: { enabled: true },
  },
  interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
});

/** Signs somebody in, or has them agree, without a word. */
async function interact(request, response) {
  const { prompt, params, session, grantId } = await provider.interactionDetails(request, response);
  let result = { login: { accountId: `corp|${params.login_hint}` } };
  if (prompt.name === "consent") {
    const of = { accountId: session.accountId, clientId: params.client_id };
    const grant = grantId ? await provider.Grant.find(grantId) : new provider.Grant(of);
    grant.addOIDCScope(params.scope);
    result = { consent: { grantId: await grant.save() } };
  }
  await provider.interactionFinished(request, response, result, { mergeWithLastSubmission: true });
}

provider.on("backchannel.error", (_, error) => process.stderr.write(`nobody is told: ${error.cause ?? error}\n`));
let used = 0;
const grants = new Map();
provider.on("refresh_token.saved", ({ accountId, grantId }) => grants.set(accountId, grantId));
provider.on("refresh_token.consumed", () => void (used += 1));

const answer = provider.callback();
const server = createServer((request, response) => {
  if (!request.url.startsWith("/interaction/")) return answer(request, response);
  interact(request, response).catch((error) => response.writeHead(500).end(String(error)));
});
server.listen(Number(port), "127.0.0.1", () => say({ ready: true }));

for await (const line of createInterface({ input: process.stdin })) {
  const wanted = JSON.parse(line);
  if (wanted.do === "revoke") {
    const grant = grants.get(`corp|${wanted.user}`);
    await provider.RefreshToken.revokeByGrantId(grant);
    await (await provider.Grant.find(grant)).destroy();
  }
  say({ used });
}
process.exit(0);
