/* rtt-relay in C: sends on what it receives, over the C ABI alone. */
#include "rtt_driver.h"

#include <stdio.h>

int main(void) {
  rtt_driver *driver;
  rtt_input *input;
  rtt_output *output;
  if (rtt_connect(&driver) != RTT_OK || rtt_open_input(driver, "in", &input) != RTT_OK ||
      rtt_open_output(driver, "out", &output) != RTT_OK) {
    fprintf(stderr, "%s\n", rtt_error());
    return 1;
  }
  char buffer[256];
  rtt_frame_info info;
  int status;
  do {
    status = rtt_receive(input, buffer, sizeof buffer, &info, 1000000000);
    if (status == RTT_OK && (status = rtt_send(output, buffer, info.bytes, NULL)) != RTT_OK) {
      fprintf(stderr, "%s\n", rtt_error());
    }
  } while (status == RTT_OK || status == RTT_TIMEOUT);
  rtt_free_input(input);
  rtt_free_output(output);
  rtt_close(driver);
  return status == RTT_STOPPING ? 0 : 2;
}
