/*
 * The driver kit of RTT for C and everything that speaks its ABI.
 *
 * Handles are opaque. A handle is used by one thread at a time; different handles by different threads as you like.
 * Every call that can fail returns RTT_OK or one of the codes below, and rtt_error() then gives the sentence that goes
 * with the last failure of the calling thread. Timeouts are nanoseconds. All pointers are valid for the call only.
 */
#ifndef RTT_DRIVER_H
#define RTT_DRIVER_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct rtt_driver rtt_driver;
typedef struct rtt_output rtt_output;
typedef struct rtt_input rtt_input;

enum {
  RTT_OK = 0,
  RTT_TIMEOUT = 1,          /* nothing came in time: not a failure */
  RTT_NOT_A_DRIVER = 2,     /* not started by a keeper */
  RTT_PROTOCOL = 3,         /* another protocol, or a broken one */
  RTT_REFUSED = 4,          /* the panel refuses to open an endpoint */
  RTT_NO_SUCH_ENDPOINT = 5, /* the manifest does not name it */
  RTT_TAKEN = 6,            /* the endpoint has an owner already */
  RTT_BUFFER_TOO_SMALL = 7, /* the frame stays; its size is in info->bytes */
  RTT_STOPPING = 8,         /* the keeper asked the driver to end */
  RTT_CLOSED = 9,           /* the keeper is gone */
  RTT_CONTROL = 10,         /* a control message cannot be sent or read */
  RTT_LANE = 11,            /* a lane cannot be used */
  RTT_FILE = 12,            /* a file cannot be opened */
  RTT_NOT_BOUND = 13,       /* the output has no lane */
  RTT_FULL = 14,            /* no room on the lane */
  RTT_DROPPED = 15,         /* no room, and the route drops the newest: counted */
  RTT_TOO_LARGE = 16,       /* a frame above the route's limit */
  RTT_ARGUMENT = 17         /* a null pointer, or a text that is not UTF-8 */
};

typedef struct {
  uint64_t frame_id;  /* counts the frames of its output */
  uint64_t stamp_ns;  /* CLOCK_MONOTONIC at sending */
  uint64_t age_ns;    /* from sending to receiving; 0: not measured */
  uint64_t lane;
  uint64_t bytes;     /* of the payload */
  uint32_t route_id;
  uint32_t reserved;
} rtt_frame_info;

/* The sentence of the last failure of this thread; "" before the first. Valid until the next call of this thread. */
const char *rtt_error(void);

/* Connects to the keeper that started this process, opens every endpoint and parks. */
int rtt_connect(rtt_driver **driver);
/* Ends the connection. Outputs and inputs stay valid (they return RTT_CLOSED) until they are freed. */
void rtt_close(rtt_driver *driver);
/* 1 once the driver is to end. */
int rtt_stopping(const rtt_driver *driver);
/* RTT_OK once the driver is to end, RTT_TIMEOUT before. */
int rtt_wait_stopping(const rtt_driver *driver, uint64_t timeout_ns);
/* Tells the panel that the driver cannot do its work. */
int rtt_fail(const rtt_driver *driver, const char *code, const char *message);
/* A descriptor of a file of the manifest, owned by the caller. */
int rtt_open_file(const rtt_driver *driver, const char *path, int *descriptor);

int rtt_open_output(const rtt_driver *driver, const char *name, rtt_output **output);
void rtt_free_output(rtt_output *output);
/* Sends one frame by the route's backpressure. frame_id may be null. */
int rtt_send(rtt_output *output, const void *payload, size_t bytes, uint64_t *frame_id);
/* The same, never waiting. */
int rtt_try_send(rtt_output *output, const void *payload, size_t bytes, uint64_t *frame_id);
int rtt_wait_output_bound(rtt_output *output, uint64_t timeout_ns);

int rtt_open_input(const rtt_driver *driver, const char *name, rtt_input **input);
void rtt_free_input(rtt_input *input);
/* The next frame. Its credit goes back at the next call, or at rtt_done. info may be null. */
int rtt_receive(rtt_input *input, void *buffer, size_t capacity, rtt_frame_info *info, uint64_t timeout_ns);
void rtt_done(rtt_input *input);
int rtt_wait_input_bound(rtt_input *input, uint64_t timeout_ns);

/* CLOCK_MONOTONIC nanoseconds, as in the stamps. */
uint64_t rtt_monotonic_ns(void);

#ifdef __cplusplus
}
#endif
#endif
