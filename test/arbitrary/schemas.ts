// One message of every shape that messages can have here: all kinds of fields, with and without presence, the library's own ones.

import type { DescMessage } from "@bufbuild/protobuf";
import { AnySchema, DurationSchema, StructSchema, TimestampSchema, ValueSchema } from "@bufbuild/protobuf/wkt";
import { ImplicitSchema, UnorderedSchema } from "../gen/unum/test/v1/implicit_pb.ts";
import {
  ChoiceSchema,
  EverythingSchema,
  ExplicitSchema,
  MapsSchema,
  RepeatedSchema,
  WellKnownSchema,
} from "../gen/unum/test/v1/kinds_pb.ts";
import { LegacySchema } from "../gen/unum/test/v1/legacy_pb.ts";
import { TextSchema } from "../gen/unum/test/v1/services_pb.ts";

export const SCHEMAS: readonly DescMessage[] = [
  ImplicitSchema,
  UnorderedSchema,
  ExplicitSchema,
  RepeatedSchema,
  MapsSchema,
  ChoiceSchema,
  WellKnownSchema,
  EverythingSchema,
  LegacySchema,
  TextSchema,
  AnySchema,
  DurationSchema,
  TimestampSchema,
  StructSchema,
  ValueSchema,
];
