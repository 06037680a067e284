// A Levers customer who takes the npm package `svix`.
"use strict";

const { Webhook } = require("svix");
const { serve } = require("./journal.cjs");

serve((headers, body, secret) => {
  const call = new Webhook(secret).verify(body, headers);
  if (typeof call.providerCallId !== "string" || typeof call.metadata !== "object") {
    throw new TypeError("not a phone_call.ended");
  }
  return headers["svix-id"];
});
