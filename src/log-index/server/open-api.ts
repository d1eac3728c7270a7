// What a miniserver answers, for tools that read OpenAPI.

const QUERY = [
  ["from", "the first moment: 2015-05-18T14:00, with a zone or UTC; -2h for two hours ago"],
  ["to", "the moment after the last, or +1h after the first (in a URL: %2B1h)"],
  ["ip", "an address, a block (66.249.73.0/24) or a range (10.0.0.1-10.0.0.9); may be given again, or with commas"],
  ["limit", "records at most"],
  ["format", "ndjson, csv, raw or columns"],
] as const;

const ASK = {
  type: "object",
  properties: {
    from: { type: "integer", description: "seconds since 1970" },
    to: { type: "integer", description: "seconds since 1970, not included" },
    ips: { type: "array", items: { type: "string" }, maxItems: 1_000_000 },
  },
};

const RECORD = {
  type: "object",
  properties: {
    time: { type: "string", format: "date-time" },
    address: { type: "string" },
    status: { type: "integer" },
    size: { type: "integer" },
    line: { type: "string", description: "the whole line" },
  },
};

export function openApi(): object {
  const folder = {
    name: "folder",
    in: "path",
    required: true,
    schema: { type: "string" },
    description: "as 'nginx/shop'",
  };
  const post = (summary: string, schema: object) => ({
    post: {
      summary,
      parameters: [folder],
      requestBody: { content: { "application/json": { schema: ASK } } },
      responses: { 200: { description: summary, content: schema }, ...REFUSALS },
    },
  });
  return {
    openapi: "3.1.0",
    info: { title: "Unum log index", version: "1" },
    components: { securitySchemes: { token: { type: "http", scheme: "bearer" } }, schemas: { Record: RECORD } },
    security: [{ token: [] }, {}],
    paths: {
      "/": {
        get: {
          summary: "contents of the whole index, or with from, to or ip the records found",
          parameters: queryParameters(),
          responses: { 200: { description: "contents or records", content: FOUND }, ...REFUSALS },
        },
      },
      "/{folder}": {
        get: {
          summary: "contents, or with from, to or ip the records found; the last line names what is missing",
          parameters: [folder, ...queryParameters()],
          responses: { 200: { description: "contents or records", content: FOUND }, ...REFUSALS },
        },
      },
      "/{folder}/-/find": post("records as columns", {
        "application/vnd.unum.log-columns": { schema: { type: "string" } },
      }),
      "/{folder}/-/tally": post("counts of addresses, times, statuses", {
        "application/json": { schema: { type: "object" } },
      }),
      "/{folder}/-/estimate": post("what a question would cost", {
        "application/json": { schema: { type: "object" } },
      }),
      "/{folder}/-/facts": post("how many records, of which time", {
        "application/json": { schema: { type: "object" } },
      }),
    },
  };
}

function queryParameters(): object[] {
  return QUERY.map(([name, description]) => ({ name, in: "query", description, schema: { type: "string" } }));
}

const FOUND = {
  "application/json": { schema: { type: "object" } },
  "application/x-ndjson": { schema: { $ref: "#/components/schemas/Record" } },
  "text/csv": { schema: { type: "string" } },
  "text/plain": { schema: { type: "string" } },
};

const REFUSALS = {
  400: { description: "the question cannot be read; the message says why" },
  401: { description: "the token is missing or another" },
  404: { description: "there is no such index" },
  429: { description: "it would cost more than the server's limits" },
  504: { description: "a part of the server did not answer in time" },
};
