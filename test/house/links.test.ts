// Every relative link in the documents leads somewhere, and so does every heading one names.

import assert from "node:assert/strict";
import { posix } from "node:path";
import { describe, it } from "node:test";
import { exists, filesLike, textOf } from "./files.ts";

interface Page {
  readonly path: string;
  readonly text: string;
}

/** Broken links of one page; `at` answers a page's text, or undefined where there is no such file. */
function broken(page: Page, at: (path: string) => string | undefined): string[] {
  const prose = page.text.replace(/```[\s\S]*?```/g, "");
  return [...prose.matchAll(/\]\(([^)\s]+)\)/g)].flatMap(([, link = ""]) => {
    if (/^[a-z]+:/.test(link)) return [];
    const [file = "", heading] = link.split("#");
    const target = file === "" ? page.path : posix.normalize(posix.join(posix.dirname(page.path), file));
    const text = at(target);
    if (text === undefined) return [`${page.path}: ${link} leads nowhere`];
    const known = heading === undefined || headings(text).includes(heading);
    return known ? [] : [`${page.path}: ${link}: ${target} has no such heading`];
  });
}

/** As the common hosts make anchors of them. */
function headings(text: string): string[] {
  return [...text.matchAll(/^#+ (.+)$/gm)].map(([, title = ""]) =>
    title
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, "")
      .replaceAll(" ", "-"),
  );
}

describe("links in documents", () => {
  it("lead somewhere", () => {
    const pages = filesLike("*.md", "{docs,examples,bench,test,scripts}/**/*.md");
    assert.ok(pages.includes("README.md"));
    const found = pages.flatMap((path) => {
      const page = { path, text: textOf(path) };
      return broken(page, (target) => (exists(target) ? (target.endsWith(".md") ? textOf(target) : "") : undefined));
    });
    assert.deepEqual(found, []);
  });

  it("are found when they do not (the rule can fail)", () => {
    const pages: Record<string, string> = { "docs/a.md": "# Here it is\n" };
    const text = "[1](a.md#here-it-is) [2](a.md#gone) [3](b.md) [4](https://example.org) [5](#none)";
    assert.deepEqual(
      broken({ path: "docs/c.md", text }, (path) => (path === "docs/c.md" ? text : pages[path])).map((line) =>
        line.split(": ").at(1),
      ),
      ["a.md#gone", "b.md leads nowhere", "#none"],
    );
  });
});
