/* What a native part of a program needs: reading its request and writing its reply, both in the encoding of protobuf.
 *
 * A function of the library, named in program.json under "functions", is
 *
 *   int32_t name(const uint8_t *request, uint32_t request_bytes, uint8_t *reply, uint32_t reply_limit);
 *
 * It answers with the bytes of its reply, or with unum_failed(...). It runs in a process of its own, one call at a time. */

#ifndef UNUM_H
#define UNUM_H

#include <stdint.h>

/* One field of a message: a number, or bytes within the message. */
typedef struct {
  uint32_t number;
  uint64_t value;
  const uint8_t *bytes;
  uint32_t length;
} unum_field;

static inline int unum_varint(const uint8_t **at, const uint8_t *end, uint64_t *value) {
  *value = 0;
  for (int shift = 0; shift < 64 && *at < end; shift += 7) {
    uint8_t byte = *(*at)++;
    *value |= (uint64_t)(byte & 0x7f) << shift;
    if (byte < 0x80) return 1;
  }
  return 0;
}

/* The next field between *at and end: 1; 0 at the end, or where what is there is no message. */
static inline int unum_next(const uint8_t **at, const uint8_t *end, unum_field *field) {
  uint64_t tag;
  if (*at >= end || !unum_varint(at, end, &tag)) return 0;
  field->number = (uint32_t)(tag >> 3);
  field->bytes = 0;
  field->length = 0;
  switch (tag & 7) {
    case 0:
      return unum_varint(at, end, &field->value);
    case 2:
      if (!unum_varint(at, end, &field->value) || field->value > (uint64_t)(end - *at)) return 0;
      field->bytes = *at;
      field->length = (uint32_t)field->value;
      *at += field->length;
      return 1;
    default:
      return 0;
  }
}

static inline uint32_t unum_put_varint(uint8_t *to, uint64_t value) {
  uint32_t length = 0;
  for (; value >= 0x80; value >>= 7) to[length++] = (uint8_t)(value | 0x80);
  to[length++] = (uint8_t)value;
  return length;
}

/* The head of a field of bytes; the bytes follow. */
static inline uint32_t unum_put_bytes_head(uint8_t *to, uint32_t number, uint32_t length) {
  uint32_t head = unum_put_varint(to, (uint64_t)number << 3 | 2);
  return head + unum_put_varint(to + head, length);
}

/* To return where the request cannot be done: the caller gets the text as its error. */
static inline int32_t unum_failed(const char *text, uint8_t *reply, uint32_t reply_limit) {
  uint32_t length = 0;
  while (text[length] != 0 && length < reply_limit) {
    reply[length] = (uint8_t)text[length];
    length++;
  }
  return -1 - (int32_t)length;
}

#endif
