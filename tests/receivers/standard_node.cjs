// A customer who verifies with the npm package `standardwebhooks`.
"use strict";

const { Webhook } = require("standardwebhooks");
const { serve } = require("./journal.cjs");

serve((headers, body, secret) => {
  new Webhook(secret).verify(body, headers);
  return headers["webhook-id"];
});
