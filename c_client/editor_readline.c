/* editor_readline.c - editor.h with GNU readline. */
#include "editor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <readline/history.h>
#include <readline/readline.h>

enum { HISTORY_LINES = 500 };

const char editor_name[] = "GNU readline";

static bool shown;
static char *entered;                   /* the line given out, and owned by us */
static enum typed pending = TYPED_NOTHING;

static void on_line(char *line)
{
    free(entered);
    entered = line;
    pending = line ? TYPED_LINE : TYPED_END;
    shown = false;
    if (line && *line)
        add_history(line);
    else if (!line)
        puts("");                       /* readline leaves the cursor behind the prompt */
    /* It draws a prompt at once, before anyone has seen the line. */
    rl_set_prompt("");
}

void editor_open(void)
{
    rl_catch_signals = 0;               /* signals are the program's own business */
    rl_catch_sigwinch = 0;
    rl_initialize();
    rl_variable_bind("enable-bracketed-paste", "off");  /* each pasted line is a line */
    rl_bind_key('\t', rl_insert);
    stifle_history(HISTORY_LINES);
    rl_callback_handler_install("", on_line);
}

void editor_close(void)
{
    editor_hide();
    rl_callback_handler_remove();
    free(entered);
    entered = NULL;
}

void editor_show(const char *prompt)
{
    rl_set_prompt(prompt);
    rl_on_new_line();
    rl_redisplay();
    shown = true;
}

void editor_hide(void)
{
    if (!shown)
        return;
    rl_clear_visible_line();
    fflush(rl_outstream);
    shown = false;
}

void editor_read(void)
{
    rl_callback_read_char();
}

enum typed editor_next(struct chat_span *line)
{
    const enum typed next = pending;

    pending = TYPED_NOTHING;
    if (next == TYPED_LINE)
        *line = (struct chat_span){entered, strlen(entered)};
    return next;
}

void editor_resize(void)
{
    if (shown)
        rl_resize_terminal();
    else
        rl_reset_screen_size();
}

void editor_suspend(void)
{
    editor_hide();
    rl_deprep_term_function();
}

void editor_resume(void)
{
    rl_prep_term_function(1);
    rl_reset_screen_size();
}
