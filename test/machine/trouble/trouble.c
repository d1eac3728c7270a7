/* A library that goes wrong in every way it can: built with cc for tests. */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <signal.h>

int32_t echo(const uint8_t *request, uint32_t bytes, uint8_t *reply, uint32_t limit) {
  if (bytes > limit) return -1;
  memcpy(reply, request, bytes);
  return (int32_t)bytes;
}
int32_t segfault(const uint8_t *request, uint32_t bytes, uint8_t *reply, uint32_t limit) {
  (void)request, (void)bytes, (void)reply, (void)limit;
  volatile int *nowhere = 0;
  return *nowhere;
}
int32_t give_up(const uint8_t *request, uint32_t bytes, uint8_t *reply, uint32_t limit) {
  (void)request, (void)bytes, (void)reply, (void)limit;
  abort();
}
int32_t leave(const uint8_t *request, uint32_t bytes, uint8_t *reply, uint32_t limit) {
  (void)request, (void)bytes, (void)reply, (void)limit;
  _exit(3);
}
int32_t endless(const uint8_t *request, uint32_t bytes, uint8_t *reply, uint32_t limit) {
  (void)request, (void)bytes, (void)reply, (void)limit;
  for (volatile uint32_t turn = 0;; turn++) {
  }
}
int32_t recurse(const uint8_t *request, uint32_t bytes, uint8_t *reply, uint32_t limit) {
  volatile uint8_t here[4096];
  here[0] = (uint8_t)bytes;
  return recurse(request, bytes + here[0], reply, limit) + here[1];
}
int32_t hoard(const uint8_t *request, uint32_t bytes, uint8_t *reply, uint32_t limit) {
  (void)request, (void)bytes, (void)reply, (void)limit;
  for (;;) {
    void *taken = malloc(64 << 20);
    if (taken == 0) return -1;
    memset(taken, 1, 64 << 20);
  }
}
/* Takes memory and uses it, slowly enough to be looked at meanwhile. */
int32_t devour(const uint8_t *request, uint32_t bytes, uint8_t *reply, uint32_t limit) {
  (void)request, (void)bytes, (void)reply, (void)limit;
  for (;;) {
    void *taken = malloc(16 << 20);
    if (taken == 0) return -1;
    memset(taken, 1, 16 << 20);
    usleep(20000);
  }
}
int32_t complain(const uint8_t *request, uint32_t bytes, uint8_t *reply, uint32_t limit) {
  (void)request, (void)bytes, (void)limit;
  memcpy(reply, "no such thing", 13);
  return -1 - 13;
}
int32_t boast(const uint8_t *request, uint32_t bytes, uint8_t *reply, uint32_t limit) {
  (void)request, (void)bytes, (void)reply;
  return (int32_t)limit + 1;
}
/* Writes to the descriptor that its cell is spoken to by. */
int32_t babble(const uint8_t *request, uint32_t bytes, uint8_t *reply, uint32_t limit) {
  (void)request, (void)bytes, (void)reply, (void)limit;
  return write(3, "\xff\xff\xff\xff nonsense", 13) == 13 ? 0 : -1;
}
int32_t kill_parent(const uint8_t *request, uint32_t bytes, uint8_t *reply, uint32_t limit) {
  (void)request, (void)bytes, (void)reply, (void)limit;
  if (getppid() > 1) kill(getppid(), SIGKILL);
  kill(-1, SIGKILL);
  return 0;
}
