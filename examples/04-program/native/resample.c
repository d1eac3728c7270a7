/* thumbnails.v1.Resample: makes a picture smaller. Every pixel of the small one is the mean of the box of pixels that it stands for.
 *
 * linux-x64/resample.so is made from it, without anything of the system in it:
 *   cc -O2 -shared -fPIC -nostdlib -ffreestanding -fno-tree-loop-distribute-patterns -fno-stack-protector -s -Wl,-z,noseparate-code -Wl,--build-id=none -o linux-x64/resample.so resample.c */

#include "unum.h"

enum { CHANNELS = 3 };

/* message Shrinking { uint32 width = 1; uint32 height = 2; uint32 to_width = 3; uint32 to_height = 4; bytes pixels = 5; } */
int32_t resample_shrink(const uint8_t *request, uint32_t request_bytes, uint8_t *reply, uint32_t reply_limit) {
  const uint8_t *at = request, *end = request + request_bytes, *pixels = 0;
  uint64_t width = 0, height = 0, to_width = 0, to_height = 0;
  uint32_t length = 0;
  unum_field field;
  while (unum_next(&at, end, &field)) {
    if (field.number == 1) width = field.value;
    if (field.number == 2) height = field.value;
    if (field.number == 3) to_width = field.value;
    if (field.number == 4) to_height = field.value;
    if (field.number == 5 && field.bytes != 0) pixels = field.bytes, length = field.length;
  }
  if (at != end) return unum_failed("the request is no message", reply, reply_limit);
  if (width > 0xffff || height > 0xffff || pixels == 0 || width * height * CHANNELS != length)
    return unum_failed("width and height do not match the pixels", reply, reply_limit);
  if (to_width == 0 || to_height == 0 || to_width > width || to_height > height)
    return unum_failed("it only makes pictures smaller", reply, reply_limit);

  uint32_t size = (uint32_t)(to_width * to_height * CHANNELS);
  uint32_t head = unum_put_bytes_head(reply, 1, size);
  if (size > reply_limit - head) return unum_failed("the small picture is too large for a reply", reply, reply_limit);
  uint8_t *out = reply + head;
  for (uint64_t y = 0; y < to_height; y++) {
    uint64_t top = y * height / to_height, bottom = (y + 1) * height / to_height;
    for (uint64_t x = 0; x < to_width; x++) {
      uint64_t left = x * width / to_width, right = (x + 1) * width / to_width;
      uint64_t sum[CHANNELS] = {0};
      for (uint64_t row = top; row < bottom; row++)
        for (uint64_t column = left; column < right; column++)
          for (int channel = 0; channel < CHANNELS; channel++)
            sum[channel] += pixels[(row * width + column) * CHANNELS + channel];
      uint64_t count = (bottom - top) * (right - left);
      for (int channel = 0; channel < CHANNELS; channel++) *out++ = (uint8_t)((sum[channel] + count / 2) / count);
    }
  }
  return (int32_t)(head + size);
}
