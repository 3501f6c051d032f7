/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/integration/stage.h"

#include "tests/integration/check.h"

struct backend *backend;
struct gateway *gateway;

int stage_start_with(const struct backend_plan *plan)
{
    backend = backend_start(plan);
    return 0;
}

int stage_start(void **state)
{
    (void)state;
    return stage_start_with(&BACKEND_PLAN(.echo = true));
}

int stage_stop(void **state)
{
    (void)gateway_drop(state);
    backend_stop(backend);
    backend = NULL; /* the next set-up may not come so far */
    return 0;
}

void stage_serve(const struct gateway_options *options)
{
    struct gateway_options o = *options;
    o.target = backend_port(backend);
    gateway = gateway_start(&o);
}

pid_t stage_worker(void)
{
    pid_t pids[WORKERS_MAX];
    assert_int_equal(gateway_workers(gateway, pids), 1);
    return pids[0];
}

struct client_options stage_client(enum identity identity, int version)
{
    return (struct client_options){
        .port = gateway->port,
        .version = version,
        .with_cert = true,
        .identity = identity,
    };
}

void stage_join(struct client *c, const struct client_options *options)
{
    struct client_options o = options ? *options : (struct client_options){.port = 0};
    o.port = gateway->port;
    client_connect(c, &o);
    c->work.up_seed = c->work.down_seed = STAGE_SEED;
}

void stage_echo(struct client *c, uint64_t bytes)
{
    client_send(c, bytes);
    client_receive(c, bytes);
}

void stage_leave(struct client *c)
{
    client_close_notify(c);
    assert_int_equal(client_read_end(c), CLIENT_CLOSE_NOTIFY);
    client_close(c);
}
