// A customer who reads CloudEvents with the npm package `cloudevents`, and verifies with `standardwebhooks`.
"use strict";

const { HTTP } = require("cloudevents");
const { Webhook } = require("standardwebhooks");
const { serve } = require("./journal.cjs");

serve((headers, body, secret) => {
  new Webhook(secret).verify(body, headers);
  const event = HTTP.toEvent({ headers, body: body.toString("utf8") });
  event.validate();
  if (event.id !== headers["webhook-id"]) throw new Error(`the id is ${event.id}`);
  if (event.type !== headers["ringback-event-type"]) throw new Error(`the type is ${event.type}`);
  // In binary mode the library leaves attributes as they are written in headers.
  const subject = headers["ce-subject"] ? decodeURIComponent(event.subject) : event.subject;
  if (subject !== headers["x-key"]) throw new Error(`the subject is ${event.subject}`);
  if (!event.time || !event.source.startsWith("/tenants/")) throw new Error(`time ${event.time}, source ${event.source}`);
  const data = typeof event.data === "string" ? JSON.parse(event.data) : event.data;
  if (data.cost !== 3 || data.name !== "Zoë") throw new Error(`the data is ${JSON.stringify(data)}`);
  return event.id;
});
