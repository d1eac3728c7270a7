// A language model as a mutation operator: it is shown the best formulas and asked for better ones, one a line.

interface Answer {
  readonly choices?: readonly { readonly message?: { readonly content?: string } }[];
  readonly usage?: { readonly total_tokens?: number };
}

/** Candidates, and what they cost in thousands of tokens. */
export async function askModel(parents: readonly string[], seed: number, signal: AbortSignal) {
  const prompt = `These formulas of x, written with ( ) + - * and single digits, are to come near some measured points:\n${parents.join("\n")}\nAnswer with up to eight that may come nearer, one a line, and nothing else.`;
  const response = await fetch(`${process.env["MODEL_URL"]}/v1/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${process.env["MODEL_KEY"] ?? ""}` },
    body: JSON.stringify({
      ...{ model: process.env["MODEL_NAME"] ?? "any", seed, temperature: 1 },
      messages: [{ role: "user", content: prompt }],
    }),
    signal,
  });
  if (!response.ok) throw new Error(`the model answered ${response.status}`);
  // Whatever lacks is read as nothing.
  const answer = (await response.json()) as Answer;
  const lines = (answer.choices?.[0]?.message?.content ?? "").split("\n").map((line) => line.replaceAll(/[`\s]/g, ""));
  return { candidates: lines.filter((line) => line !== ""), cost: (answer.usage?.total_tokens ?? 1_000) / 1_000 };
}
