// A contract that breaks the callers of another.

/** The generated code of a contract in which the field has another number. */
export function renumbered(generated: string, field: string, number: number): string {
  const [, base64 = ""] = /fileDesc\("([^"]+)"/.exec(generated) ?? [];
  const bytes = Buffer.from(base64, "base64");
  // In a FieldDescriptorProto the number, field 3, follows the name.
  const tag = bytes.indexOf(0x18, bytes.lastIndexOf(field) + field.length);
  bytes[tag + 1] = number;
  return generated.replace(base64, bytes.toString("base64").replace(/=+$/, ""));
}
