// An OpenID Connect provider on 127.0.0.1: provider.mjs
//
// Says its issuer in a line, then does what each line on its input says: `rotate` signs with a new key from now on,
// while the keys before are still published; `withdraw` publishes the newest key alone. Each is answered with a line.
// Ends with its input. The client `app` with the secret `secret` gets tokens for the audience `weir`.

import { generateKeyPairSync, randomUUID } from "node:crypto";
import { createServer } from "node:http";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

const MODULE = `${process.env.WEIR_TEST_NODE}/node_modules/oidc-provider/lib/index.js`;
const { Provider } = await import(pathToFileURL(MODULE));

const RESOURCE = {
  scope: "weir.read weir.write",
  audience: "weir",
  accessTokenFormat: "jwt",
  accessTokenTTL: 600,
};

const KINDS = [
  ["ES256", () => generateKeyPairSync("ec", { namedCurve: "P-256" })],
  ["RS256", () => generateKeyPairSync("rsa", { modulusLength: 2048 })],
  ["EdDSA", () => generateKeyPairSync("ed25519")],
];
let made = 0;
let keys = [];
let alg;
let answer;

function addKey() {
  const [name, generate] = KINDS[made % KINDS.length];
  made += 1;
  alg = name;
  const jwk = generate().privateKey.export({ format: "jwk" });
  keys.unshift({ ...jwk, kid: randomUUID(), use: "sig", alg });
}

/** A provider with the keys of now. It takes them when it is made, and never again. */
function serve() {
  const provider = new Provider(issuer, {
    jwks: { keys },
    clientDefaults: { id_token_signed_response_alg: alg },
    clients: [
      {
        client_id: "app",
        client_secret: "secret",
        grant_types: ["client_credentials"],
        redirect_uris: [],
        response_types: [],
      },
    ],
    ttl: { ClientCredentials: 600 },
    scopes: ["weir.read", "weir.write"],
    extraTokenClaims: () => ({ groups: ["crew", "tower"] }),
    features: {
      clientCredentials: { enabled: true },
      devInteractions: { enabled: false },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => "urn:weir",
        getResourceServerInfo: () => ({ ...RESOURCE, jwt: { sign: { alg } } }),
      },
    },
  });
  answer = provider.callback();
}

const server = createServer((request, response) => answer(request, response));
await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
const issuer = `http://127.0.0.1:${server.address().port}`;
addKey();
serve();
console.log(issuer);

for await (const line of createInterface({ input: process.stdin })) {
  if (line === "rotate") addKey();
  if (line === "withdraw") keys = keys.slice(0, 1);
  serve();
  console.log(line);
}
process.exit(0);
