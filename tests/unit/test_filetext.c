/* SPDX-License-Identifier: Apache-2.0 */
/* gateway/config/filetext: what of a configuration file reaches libconfuse. */
#include "gateway/config/filetext.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct {
    const char *text;
    const char *clean;
} good[] = {
    {"", ""},
    {"a = b", "'a' = 'b'"},
    {"a=b", "'a'='b'"},
    {"a += b", "'a' = 'b'"},
    {"a+=b+", "'a'='b+'"},
    {"a = +b", "'a' = '+b'"},
    {"# x = y {\na = b # c\n\n#", "\n'a' = 'b' \n\n"},
    {"s n { k = {a, \"b c\"} }", "'s' 'n' { 'k' = {'a', 'b c'} }"},
    {"u = spiffe://t/*", "'u' = 'spiffe://t/*'"},
    {"l = *:8443", "'l' = '*:8443'"},
    {"l = [::1]:1 # c", "'l' = '[::1]:1' "},
    {"a = \"x\\\"y\\\\z\"", "'a' = 'x\"y\\\\z'"},
    {"a = 'x\"\\y'", "'a' = 'x\"\\\\y'"},
    {"a = \"it's\"", "'a' = 'it\\'s'"},
    {"a = '${HOME}'", "'a' = '${HOME}'"},
    {"a = \"$HOME #{},=\"", "'a' = '$HOME #{},='"},
    {"a = ''", "'a' = ''"},
    {"a = j\xc3\xbcrgen\r\n", "'a' = 'j\xc3\xbcrgen' \n"},
    {"a = 'x|y'", "'a' = 'x|y'"},
    {"a\n=\n\nb", "'a'\n=\n\n'b'"},
};

static const struct {
    const char *text;
    unsigned line;
    const char *why;
} bad[] = {
    {"\xef\xbb\xbf# c\na = b", 1, "it begins with a byte order mark"},
    {"a = 'b", 1, "a quoted text does not end"},
    {"\na = 'b\n'", 2, "a quoted text does not end on its line"},
    {"a = \"b\n\"", 1, "a quoted text does not end on its line"},
    {"a = \"\\n\"", 1, "only \\\" and"},
    {"a = \"\\", 1, "only \\\" and"},
    {"a = \"x${HOME}\"", 1, "${ is refused"},
    {"a = ${HOME}", 1, "${ is refused"},
    {"a = x${HOME}", 1, "${ is refused"},
    {"// c", 1, "comments begin with #"},
    {"# c\n/* c", 2, "comments begin with #"},
    {"include(x)", 1, "quotes are needed"},
    {"a = x#y", 1, "quotes are needed"},
    {"a = x\\y", 1, "quotes are needed"},
    {"a = \001", 1, "it contains a control character"},
    {"a = '\x7f'", 1, "it contains a control character"},
    {"a {\n\nb {\n}\n", 1, "this { is never closed"},
    {"a {\nb {\n", 2, "this { is never closed"},
    {"a {\n}\n}", 3, "there is one } too many"},
    {"{{{{{", 1, "braces are nested too deeply"},
    {"s|t = 3", 1, "no key has a |"},
    {"'s|t'\n+=3", 2, "no key has a |"},
};

static void words_are_handed_over_in_quotes(void **state gw_unused)
{
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        struct gw_filetext_error error = {0};
        char *clean = NULL;
        if (gw_filetext_clean(good[i].text, strlen(good[i].text), &clean, &error))
            fail_msg("'%s': %s", good[i].text, error.why);
        assert_string_equal(clean, good[i].clean);
        free(clean);
    }
}

static void all_else_is_refused(void **state gw_unused)
{
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct gw_filetext_error error = {0};
        char *clean = NULL;
        assert_int_equal(gw_filetext_clean(bad[i].text, strlen(bad[i].text), &clean, &error),
                         -EINVAL);
        assert_null(clean);
        if (error.line != bad[i].line || strncmp(error.why, bad[i].why, strlen(bad[i].why)) != 0)
            fail_msg("'%s': line %u: %s", bad[i].text, error.line, error.why);
    }
}

static void a_nul_hides_nothing(void **state gw_unused)
{
    static const char text[] = "a = b\nc\0 = d";
    struct gw_filetext_error error = {0};
    char *clean = NULL;
    assert_int_equal(gw_filetext_clean(text, sizeof(text) - 1, &clean, &error), -EINVAL);
    assert_int_equal(error.line, 2);
    assert_string_equal(error.why, "it contains a control character");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_are_handed_over_in_quotes),
        cmocka_unit_test(all_else_is_refused),
        cmocka_unit_test(a_nul_hides_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
