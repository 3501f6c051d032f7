/* SPDX-License-Identifier: Apache-2.0 */
/* ktlsgate: the program. */
int main(void)
{
    return 2;
}
