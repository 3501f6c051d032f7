/* SPDX-License-Identifier: Apache-2.0 */
/* How the page looks: by day, by night and on paper. */
#pragma once

extern const char bench_style[];
