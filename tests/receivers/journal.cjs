// What the Node receivers share; the same command line and journal as journal.py.
"use strict";

const { createHash } = require("node:crypto");
const { readFileSync } = require("node:fs");
const { createServer } = require("node:http");
const { parseArgs } = require("node:util");

// `check(headers, body, secret)` returns the id of what it accepted and throws at what it would not trust.
function serve(check) {
  const { values } = parseArgs({
    options: { "secret-file": { type: "string" }, "fail-first": { type: "string", default: "0" } },
  });
  const seen = new Map();

  const server = createServer((request, response) => {
    const parts = [];
    request.on("data", (part) => parts.push(part));
    request.on("end", () => {
      const body = Buffer.concat(parts);
      let id = null;
      let why = null;
      try {
        id = check(request.headers, body, readFileSync(values["secret-file"], "utf8"));
      } catch (error) {
        why = `${error.name}: ${error.message}`;
      }
      const sha256 = createHash("sha256").update(body).digest("hex");
      seen.set(sha256, (seen.get(sha256) ?? 0) + 1);
      const fails = seen.get(sha256) <= Number(values["fail-first"]);
      const answered = why ? 401 : fails ? 500 : 200;
      const line = {
        ok: why === null,
        why,
        id,
        event: request.headers["ringback-id"] ?? null,
        sha256,
        bytes: body.length,
        attempt: request.headers["ringback-attempt"] ?? null,
        replay: request.headers["ringback-replay"] === "1",
        answered,
      };
      process.stdout.write(`${JSON.stringify(line)}\n`);
      response.writeHead(answered, { "content-length": "0" }).end();
    });
  });
  server.listen(0, "127.0.0.1", () => {
    process.stdout.write(`listening on http://127.0.0.1:${server.address().port}\n`);
  });
  // No receiver outlives the test that started it.
  process.stdin.on("end", () => process.exit(0)).resume();
}

module.exports = { serve };
