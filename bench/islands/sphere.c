/* An executable that evaluates, as a user would write one: the binary pipe of `unum islands run --exec`. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int main(void) {
  uint32_t head[2];
  double *x = NULL, *y = NULL;
  while (fread(head, 4, 2, stdin) == 2) {
    const size_t count = head[0], n = head[1];
    x = realloc(x, count * n * sizeof *x);
    y = realloc(y, count * sizeof *y);
    if (fread(x, sizeof *x, count * n, stdin) != count * n) return 1;
    for (size_t k = 0; k < count; k++) {
      y[k] = 0;
      for (size_t i = 0; i < n; i++) y[k] += x[k * n + i] * x[k * n + i];
    }
    fwrite(y, sizeof *y, count, stdout);
    fflush(stdout);
  }
  return 0;
}
