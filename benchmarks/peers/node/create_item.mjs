// The peer of the template's POST /items on Node: checks by hand, and the AWS SDK v3's document client.
import { randomUUID } from "node:crypto";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { DynamoDBDocumentClient, PutCommand } from "@aws-sdk/lib-dynamodb";

const table = DynamoDBDocumentClient.from(new DynamoDBClient({}));
const known = new Set(["name", "category", "price"]);

function faults(body) {
  if (typeof body !== "object" || body === null || Array.isArray(body)) return ["must be an object"];
  const errors = Object.keys(body).filter((name) => !known.has(name)).map((name) => `${name} is not known`);
  for (const [name, longest] of [["name", 200], ["category", 100]]) {
    const value = body[name];
    if (typeof value !== "string" || value.length < 1 || value.length > longest) {
      errors.push(`${name} must be a string of 1 to ${longest} characters`);
    }
  }
  if (body.price != null && typeof body.price !== "number") errors.push("price must be a number");
  return errors;
}

const answer = (statusCode, body, headers = {}) => ({
  statusCode,
  headers: { "content-type": "application/json", ...headers },
  body: JSON.stringify(body),
});

export async function handler(event) {
  let body;
  try {
    body = JSON.parse(event.body);
  } catch {
    return answer(400, { detail: "The body is not JSON." });
  }
  const errors = faults(body);
  if (errors.length) return answer(400, { errors });
  const now = new Date().toISOString();
  const item = { ...body, id: randomUUID(), createdAt: now, updatedAt: now, version: 1 };
  await table.send(
    new PutCommand({
      TableName: process.env.TABLE_NAME,
      Item: {
        ...item,
        entity: "Item",
        pk: `ITEM#${item.id}`,
        sk: "ITEM",
        gsi1pk: `ITEM#CATEGORY#${item.category}`,
        gsi1sk: `${now}#${item.id}`,
      },
      ConditionExpression: "attribute_not_exists(pk)",
    }),
  );
  return answer(201, item, { location: `/items/${item.id}` });
}
