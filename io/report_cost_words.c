/* The sentences before the tables of costs, and the rows for a terminal: derived from the numbers by the rules
 * below, so that they hold for any machine. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "io/report_costs.h"

enum { NAMED = 8 }; /* ways in one sentence */

/* How a way is called in a sentence; %s: the workers. */
typedef struct phrase {
    const char *what, *words;
} phrase;

static const phrase phrases[] = {
    {"parallel region", "a team of %s"},
    {"first parallel region", "a first team, whose threads must be made and bound,"},
    {"barrier of ranks", "a barrier of %s"},
    {"process", "a process"},
    {"MPI process", "an MPI process (%s)"},
    {"race", "without any synchronisation"},
    {"lock", "behind a lock"},
    {"spin lock", "behind a spin lock"},
    {"atomic", "as an atomic"},
    {"private", "in a private partial"},
    {"private, one cache line", "in private partials that share a cache line"},
    {"private, reduced", "in private partials that MPI adds up"},
    {"fetch and op", "by a fetch and op through MPI"},
    {"contiguous", "as one message"},
    {"derived datatype", "by a derived datatype"},
    {"packed", "packed by hand"},
    {"shared memory, copied", "copied through memory that the ranks share"},
    {"shared memory, in place", "in place in memory that the ranks share"},
};

/* A way of another name is called by it. */
static void say_way(const nf_cost *of, FILE *out)
{
    char workers[NF_CELL];
    for (size_t i = 0; i < sizeof phrases / sizeof *phrases; i++) {
        const char *words = phrases[i].words, *place = strstr(words, "%s");
        if (strcmp(phrases[i].what, of->what) != 0)
            continue;
        if (place == NULL)
            fputs(words, out);
        else
            fprintf(out, "%.*s%s%s", (int)(place - words), words,
                    nf_workers_text(of->ranks, of->threads, workers), place + 2);
        return;
    }
    fprintf(out, of->kind == NF_COST_START ? "\"%s\"" : "by \"%s\"", of->what);
}

static const nf_costing *find(const nf_report *report, nf_cost_kind kind, const char *what)
{
    return nf_costing_find(report->costs, report->ncosts, kind, what);
}

/* Before the i-th of n parts of a list. */
static const char *before(size_t i, size_t n)
{
    return i == 0 ? "" : i + 1 == n ? " and " : ", ";
}

/* ---- starting ---- */

/* The firm ones first. */
static int by_value(const void *a, const void *b)
{
    const nf_costing *const *p = a, *const *q = b;
    if (nf_costing_firm(*p) != nf_costing_firm(*q))
        return nf_costing_firm(*p) ? -1 : 1;
    return ((*p)->value > (*q)->value) - ((*p)->value < (*q)->value);
}

static size_t count_firm(const nf_costing *const *list, size_t n)
{
    size_t firm = 0;
    while (firm < n && nf_costing_firm(list[firm]))
        firm++;
    return firm;
}

/* As nf_costing_next; nothing of a first region that comes out quicker than the later ones, whose threads are
 * there already. */
static const nf_costing *next_start(const nf_report *report, const nf_costing *last)
{
    const nf_costing *c = nf_costing_next(report, NF_COST_START, last),
                     *later = find(report, NF_COST_START, "parallel region");
    if (c != NULL && later != NULL && strcmp(c->of->what, "first parallel region") == 0 &&
        nf_cost_same_layout(c->of, later->of) && c->value < later->value)
        return nf_costing_next(report, NF_COST_START, c);
    return c;
}

/* "Starting a team of 2 threads takes 2.1 us, a process 610 us and an MPI process 410 ms." */
static void say_starts(const nf_report *report, FILE *out)
{
    const nf_costing *list[NAMED];
    size_t n = 0;
    char time[NF_CELL];
    for (const nf_costing *c = NULL; n < NAMED && (c = next_start(report, c)) != NULL;)
        list[n++] = c;
    qsort(list, n, sizeof *list, by_value);
    for (size_t i = 0; i < n; i++) {
        fputs(i == 0 ? "Starting " : before(i, n), out);
        say_way(list[i]->of, out);
        fprintf(out, "%s%s", i == 0 ? " takes " : " ", nf_cost_time_text(list[i], 2, time));
    }
    fputs(n > 0 ? ". " : "Nothing that was started counts. ", out);
}

/* With p workers a loop of T seconds takes T/p and the start s: less than T from T = s p/(p-1) on; from ten
 * times as much on the start is less than a tenth of the T - T/p that is saved. */
static void say_team(const nf_costing *team, FILE *out)
{
    const int p = nf_costing_workers(team);
    const double least = team->value * p / (p - 1);
    char even[NF_CELL], good[NF_CELL];
    fprintf(out, "A loop that one worker does in less than %s is done before ",
            nf_seconds_text(least, 2, even));
    say_way(team->of, out);
    fprintf(out,
            " could help, and only from %s on does starting it take less than a tenth of what it "
            "saves",
            nf_seconds_text(10 * least, 2, good));
}

static void say_sleep(const nf_report *report, FILE *out)
{
    const char *policy = nf_study_find(report->study, "OMP_WAIT_POLICY");
    if (policy != NULL && strcasecmp(policy, "passive") == 0)
        fputs("Threads sleep between regions here (OMP_WAIT_POLICY=passive) and are woken for "
              "each, which makes it dear. ",
              out);
}

nf_status nf_start_words(const nf_report *report, FILE *out)
{
    const nf_costing *team = find(report, NF_COST_START, "parallel region"),
                     *process = find(report, NF_COST_START, "MPI process");
    char ratio[NF_CELL];
    say_starts(report, out);
    if (process == NULL)
        process = find(report, NF_COST_START, "process");
    if (team == NULL || nf_costing_workers(team) < 2 || !(team->value > 0) ||
        !nf_costing_firm(team))
        return NF_OK;
    say_sleep(report, out);
    say_team(team, out);
    if (process != NULL && nf_costing_firm(process) && process->value > 10 * team->value) {
        fputs("; ", out);
        say_way(process->of, out);
        fprintf(out, " costs as much as %s such starts: it is started once, for all the work",
                nf_times_text(process->value / team->value, ratio));
    }
    putc('.', out);
    return NF_OK;
}

/* ---- sharing ---- */

/* Of threads alone or of ranks alone, the layout of the most workers that counts; NULL: none. */
static const nf_cost *share_layout(const nf_report *report, bool ranks)
{
    const nf_costing *best = NULL;
    for (size_t i = 0; i < report->ncosts; i++) {
        const nf_costing *c = &report->costs[i];
        if (c->of->kind == NF_COST_SHARE && nf_costing_counts(c) && nf_costing_workers(c) > 1 &&
            (ranks ? c->of->threads : c->of->ranks) == 1 &&
            (best == NULL || nf_costing_workers(c) > nf_costing_workers(best)))
            best = c;
    }
    return best != NULL ? best->of : NULL;
}

/* The ways of a layout that count, the cheapest first; of kinds that lose counts none. Returns how many. */
static size_t list_shares(const nf_report *report, const nf_cost *layout,
                          const nf_costing *list[NAMED])
{
    size_t n = 0;
    for (size_t i = 0; i < report->ncosts && n < NAMED; i++) {
        const nf_costing *c = &report->costs[i];
        if (layout != NULL && c->of->kind == NF_COST_SHARE && nf_costing_counts(c) &&
            nf_cost_same_layout(c->of, layout) && strcmp(c->of->what, "race") != 0)
            list[n++] = c;
    }
    qsort(list, n, sizeof *list, by_value);
    return n;
}

/* "With 2 threads that add to one counter an increment takes 0.26 ns in a private partial and 12 ns as an
 * atomic, 46 times as much." */
static void say_shares(const nf_costing *const *list, size_t n, FILE *out)
{
    char text[NF_CELL];
    if (n == 0)
        return;
    fprintf(out, "With %s that add to one counter an increment takes ",
            nf_workers_text(list[0]->of->ranks, list[0]->of->threads, text));
    for (size_t i = 0; i < n; i++) {
        fprintf(out, "%s%s ", before(i, n), nf_cost_time_text(list[i], 3, text));
        say_way(list[i]->of, out);
    }
    size_t firm = count_firm(list, n);
    if (firm == n && nf_costing_exceeds(list[n - 1], list[0]))
        fprintf(out, ", %s times as much as the first",
                nf_times_text(list[n - 1]->value / list[0]->value, text));
    fputs(". ", out);
}

/* The dearest way that is shown to be slower than by one worker alone, of ways in the order of their time. */
static void say_slower(const nf_report *report, const nf_costing *const *list, size_t n, FILE *out)
{
    char times[NF_CELL];
    for (size_t i = n; i-- > 0;) {
        const nf_costing *alone = nf_costing_alone(report->costs, report->ncosts, list[i]);
        if (alone == NULL || !nf_costing_firm(list[i]) || !nf_costing_firm(alone) ||
            !nf_costing_exceeds(list[i], alone))
            continue;
        fputs("; more workers make one increment ", out);
        say_way(list[i]->of, out);
        fprintf(out, " slower, not faster: %s times what it takes one worker alone",
                nf_times_text(list[i]->value / alone->value, times));
        return;
    }
}

/* Goes on with a sentence, or is one; ends it. */
static void say_race(const nf_report *report, bool alone, FILE *out)
{
    const nf_costing *race = find(report, NF_COST_SHARE, "race");
    char workers[NF_CELL], lost[NF_CELL];
    bool any = race != NULL && nf_costing_workers(race) > 1;
    if (any) {
        nf_workers_text(race->of->ranks, race->of->threads, workers);
        fprintf(out, alone ? "Without" : "; without");
        if (race->lost > 0)
            fprintf(out, " synchronisation %s lost %s of the increments", workers,
                    nf_share_text(race->lost, lost));
        else
            fprintf(out, " synchronisation %s lost none here, by luck", workers);
    }
    fputs(any || !alone ? "." : "", out);
}

static bool is_private(const nf_costing *way)
{
    return strncmp(way->of->what, "private", strlen("private")) == 0;
}

/* Of n > 0 ways, the cheapest first: what is concluded, where it is shown to be the cheapest, or all that may be
 * as cheap are private as well. */
static void say_cheapest(const nf_costing *const *list, size_t n, FILE *out)
{
    bool shown = nf_costing_firm(list[0]);
    for (size_t i = 1; i < n; i++)
        shown &=
            nf_costing_exceeds(list[i], list[0]) || (is_private(list[0]) && is_private(list[i]));
    if (!shown) {
        fputs("Which way is cheapest is not shown here", out);
    } else if (is_private(list[0])) {
        fputs("So let each worker count for itself, and fold the counts once at the end", out);
    } else {
        fputs("The cheapest way that loses nothing is here ", out);
        say_way(list[0]->of, out);
    }
}

/* Where nothing by several workers counts. */
static void say_no_share(const nf_report *report, FILE *out)
{
    bool several = false;
    for (size_t i = 0; i < report->ncosts; i++)
        several |=
            report->costs[i].of->kind == NF_COST_SHARE && nf_costing_workers(&report->costs[i]) > 1;
    fputs(several ? "No way by which several workers add to one counter counts. "
                  : "One worker alone has added to the counter: what each way takes while nobody "
                    "has to be waited for. ",
          out);
}

nf_status nf_share_words(const nf_report *report, FILE *out)
{
    const nf_costing *threads[NAMED], *ranks[NAMED];
    size_t nthreads = list_shares(report, share_layout(report, false), threads);
    size_t nranks = list_shares(report, share_layout(report, true), ranks);
    const nf_costing *const *list = nthreads > 0 ? threads : ranks;
    size_t n = nthreads > 0 ? nthreads : nranks;
    say_shares(threads, nthreads, out);
    say_shares(ranks, nranks, out);
    if (n == 0)
        say_no_share(report, out);
    else
        say_cheapest(list, n, out);
    say_slower(report, list, n, out);
    say_race(report, n == 0, out);
    return NF_OK;
}

/* ---- sending ---- */

/* The least and the largest share of the kernels' serial time that moving their inputs takes. */
typedef struct shares {
    double low, high;
    bool firm;                /* all of them are */
    const char *least, *most; /* labels; NULL: no kernel has an input and a serial time */
} shares;

static shares shares_of(const nf_report *report, const nf_costing *way)
{
    shares s = {.low = INFINITY, .firm = true};
    for (size_t g = 0; g < report->ngroups; g++) {
        const nf_group *group = &report->groups[g];
        double bytes = nf_group_bytes(group), serial = nf_group_serial(group);
        if (bytes <= 0 || serial <= 0)
            continue;
        const nf_costing *nearest = nf_send_nearest(report, way, bytes);
        double share = nf_send_seconds(nearest, bytes) / serial;
        s.firm &= nf_costing_firm(nearest);
        s.least = share < s.low ? group->points[0]->of->label : s.least;
        s.most = share > s.high ? group->points[0]->of->label : s.most;
        s.low = fmin(s.low, share);
        s.high = fmax(s.high, share);
    }
    return s;
}

/* One message, or the first way where none was sent. */
static const nf_costing *message(const nf_report *report)
{
    const nf_costing *way = find(report, NF_COST_SEND, "contiguous");
    return way != NULL ? way : nf_costing_next(report, NF_COST_SEND, NULL);
}

static void say_time(const nf_costing *way, FILE *out)
{
    char time[NF_CELL];
    fputs(nf_cost_time_text(way, 3, time), out);
    if (nf_cost_moves(way->of) && nf_costing_firm(way))
        fprintf(out, " (%.3g GB/s)", way->amount / way->value / 1e9);
}

/* Of these ways, each NULL or to be said: "30.5 ms by a derived datatype and 25.8 ms packed by hand". The bytes
 * are said where they are not those of `first`. */
static void say_sent(const nf_costing *const *list, size_t n, const nf_costing *first, FILE *out)
{
    char size[NF_CELL], time[NF_CELL];
    size_t there = 0, said = 0;
    for (size_t i = 0; i < n; i++)
        if (list[i] != NULL)
            there++;
    for (size_t i = 0; i < n; i++) {
        if (list[i] == NULL)
            continue;
        fprintf(out, "%s%s ", before(said++, there), nf_cost_time_text(list[i], 3, time));
        say_way(list[i]->of, out);
        if (list[i]->amount != first->amount)
            fprintf(out, " (of %s)", nf_bytes_text(list[i]->amount, size));
    }
}

/* The other ways: of cells that lie apart, through shared memory, and any others. */
static void say_other_ways(const nf_report *report, const nf_costing *first, FILE *out)
{
    const nf_costing *apart[] = {find(report, NF_COST_SEND, "derived datatype"),
                                 find(report, NF_COST_SEND, "packed")};
    const nf_costing *shared[] = {find(report, NF_COST_SEND, "shared memory, copied"),
                                  find(report, NF_COST_SEND, "shared memory, in place")};
    const nf_costing *others[NAMED];
    size_t n = 0;
    for (const nf_costing *c = NULL; (c = nf_costing_next(report, NF_COST_SEND, c)) != NULL;)
        if (n < NAMED && c->of->nodes == first->of->nodes && c != first && c != apart[0] &&
            c != apart[1] && c != shared[0] && c != shared[1])
            others[n++] = c;
    bool any = false;
    if (apart[0] != NULL || apart[1] != NULL) {
        fputs("Where the cells lie apart, it takes ", out);
        say_sent(apart, 2, first, out);
        any = true;
    }
    if (shared[0] != NULL || shared[1] != NULL) {
        fputs(any ? "; ranks of one node need no message: " : "Ranks of one node need no message: ",
              out);
        say_sent(shared, 2, first, out);
        any = true;
    }
    if (n > 0) {
        fputs(any ? "; and " : "Other ways: ", out);
        say_sent(others, n, first, out);
        any = true;
    }
    fputs(any ? "." : "A run that sends adds that to its computing.", out);
}

nf_status nf_send_words(const nf_report *report, FILE *out)
{
    const nf_costing *first = message(report);
    char size[NF_CELL];
    if (first == NULL) {
        fputs("No way of sending counts.", out);
        return NF_OK;
    }
    fputs("Sent ", out);
    say_way(first->of, out);
    fprintf(out, ", %s take ", nf_bytes_text(first->amount, size));
    say_time(first, out);
    for (const nf_costing *c = first; (c = nf_costing_next(report, NF_COST_SEND, c)) != NULL;)
        if (strcmp(c->of->what, first->of->what) == 0) {
            fprintf(out, ", between %d nodes ", c->of->nodes);
            say_time(c, out);
        }
    fputs(". ", out);
    say_other_ways(report, first, out);
    return NF_OK;
}

nf_status nf_kernel_send_words(const nf_report *report, FILE *out)
{
    const nf_costing *way = message(report);
    shares s = way != NULL ? shares_of(report, way) : (shares){.low = INFINITY};
    char text[NF_CELL];
    fputs("How long it would take to move a kernel's whole input, as a share of the time in which "
          "one worker computes with it; from the measured size that is nearest, in proportion to "
          "the bytes. ",
          out);
    if (s.least == NULL)
        return NF_OK;
    fputs("Sent ", out);
    say_way(way->of, out);
    fprintf(out, " it is %s for %s", nf_share_text(s.low, text), s.least);
    if (s.least != s.most)
        fprintf(out, " to %s for %s", nf_share_text(s.high, text), s.most);
    fputs(!s.firm ? ", of times that are too uncertain to conclude from."
          : s.high > 0.5
              ? ": over 50% two processes cannot save what sending it costs, and each is "
                "better off reading its own part where it lies."
          : s.high > 0.1 ? ", of which two processes can save at most 50%."
                         : ": little beside computing, and less where only halos are sent.",
          out);
    return NF_OK;
}

/* ---- break-even ---- */

/* Of the ways of one name the least and the largest size, and the kernels without any. */
static void say_span(const nf_report *report, const char *what, bool *any, FILE *out)
{
    const nf_costing *low = NULL, *high = NULL, *never = NULL;
    char size[NF_CELL], workers[NF_CELL];
    size_t nevers = 0;
    for (const nf_costing *c = NULL;
         (c = nf_costing_next(report, NF_COST_BREAK_EVEN, c)) != NULL;) {
        if (strcmp(c->of->what, what) != 0 || !c->interval.known)
            continue;
        if (!isfinite(c->value)) {
            nevers++;
            never = c;
            continue;
        }
        low = low == NULL || c->value < low->value ? c : low;
        high = high == NULL || c->value > high->value ? c : high;
    }
    if (low == NULL && never == NULL)
        return;
    const nf_cost *of = low != NULL ? low->of : never->of;
    fprintf(out, "%s %s ", *any ? "; with" : "With",
            nf_workers_text(of->ranks, of->threads, workers));
    *any = true;
    if (low != NULL)
        fprintf(out, "it is %s%s %s (%s)", nf_costing_at_once(low) ? "at most " : "",
                nf_thousands_text(low->value, size), low->of->unit, low->of->label);
    if (high != low)
        fprintf(out, " to %s %s (%s)", nf_thousands_text(high->value, size), high->of->unit,
                high->of->label);
    if (never != NULL)
        fprintf(out, "%snone was found for %s", low != NULL ? ", and " : "", never->of->label);
    if (nevers > 1)
        fprintf(out, " and %zu more", nevers - 1);
}

nf_status nf_break_even_words(const nf_report *report, FILE *out)
{
    bool any = false;
    fputs("Below its break-even size a kernel is done by one worker before others, who must be "
          "started and waited for, could help. ",
          out);
    for (size_t i = 0; i < report->ncosts; i++) {
        const nf_cost *of = report->costs[i].of;
        bool met = of->kind != NF_COST_BREAK_EVEN;
        for (size_t j = 0; j < i && !met; j++)
            met = report->costs[j].of->kind == NF_COST_BREAK_EVEN &&
                  strcmp(report->costs[j].of->what, of->what) == 0;
        if (!met)
            say_span(report, of->what, &any, out);
    }
    fputs(any ? "." : "None was shown here.", out);
    return NF_OK;
}

/* ---- memory ---- */

/* The one that saves most; NULL: none counts. */
static const nf_costing *largest_saving(const nf_report *report)
{
    const nf_costing *best = NULL;
    for (size_t i = 0; i < report->ncosts; i++) {
        const nf_costing *c = &report->costs[i];
        if (c->of->kind == NF_COST_MEMORY && c->valid &&
            (best == NULL || c->amount - c->value > best->amount - best->value))
            best = c;
    }
    return best;
}

nf_status nf_memory_words(const nf_report *report, FILE *out)
{
    const nf_costing *c = largest_saving(report);
    char held[NF_CELL], each[NF_CELL], saved[NF_CELL];
    if (c == NULL || !(c->amount > c->value)) {
        fputs("Ranks of a node can hold an input together, once a node and not once a rank. "
              "Here that saves nothing.",
              out);
        return NF_OK;
    }
    bool named = strcmp(c->of->what, "input") != 0;
    fprintf(out,
            "The input%s%s is held once a node, not once a rank: %s instead of %s with %d ranks. "
            "The %s saved (%.0f%%) are left for larger arrays; with more ranks a node it is more.",
            named ? " " : "", named ? c->of->what : "", nf_bytes_text(c->value, held),
            nf_bytes_text(c->amount, each), c->of->ranks,
            nf_bytes_text(c->amount - c->value, saved), 100 * (1 - c->value / c->amount));
    return NF_OK;
}

/* ---- the terminal ---- */

/* A line that is being put together: its parts, with semicolons between them. */
typedef struct line {
    char *text;
    size_t length, parts;
    FILE *out;
} line;

static bool begin(line *l, const char *name)
{
    *l = (line){.text = NULL};
    l->out = open_memstream(&l->text, &l->length);
    if (l->out != NULL)
        fprintf(l->out, "  %-11s ", name);
    return l->out != NULL;
}

static void end(line *l, FILE *out)
{
    enum { INDENT = 14, WIDTH = 100 };
    if (fclose(l->out) == 0 && l->parts > 0)
        nf_table_wrap(out, l->text, INDENT, WIDTH);
    free(l->text);
}

static FILE *part(line *l)
{
    if (l->parts++ > 0)
        fputs("; ", l->out);
    return l->out;
}

static void start_line(const nf_report *report, FILE *out)
{
    char time[NF_CELL], layout[NF_CELL];
    line l;
    if (!begin(&l, "start"))
        return;
    for (const nf_costing *c = NULL; (c = next_start(report, c)) != NULL;)
        fprintf(part(&l), "%s %s %s", c->of->what, nf_cost_layout_text(c->of, layout),
                nf_cost_time_text(c, 3, time));
    end(&l, out);
}

/* Of threads, or of ranks. */
static void share_line(const nf_report *report, bool ranks, FILE *out)
{
    const nf_costing *list[NAMED], *race = find(report, NF_COST_SHARE, "race");
    const nf_cost *layout = share_layout(report, ranks);
    char text[NF_CELL], time[NF_CELL];
    size_t n = list_shares(report, layout, list);
    line l;
    if (!begin(&l, "share"))
        return;
    if (n > 0)
        fprintf(l.out, "%s: ", nf_cost_layout_text(layout, text));
    for (size_t i = 0; i < n; i++)
        fprintf(part(&l), "%s %s", list[i]->of->what, nf_cost_time_text(list[i], 3, text));
    if (n > 0 && race != NULL && nf_cost_same_layout(race->of, layout))
        fprintf(part(&l), "race %s, %s lost", nf_cost_time_text(race, 3, time),
                nf_share_text(race->lost, text));
    end(&l, out);
}

static void send_line(const nf_report *report, FILE *out)
{
    char size[NF_CELL];
    double amount = 0;
    line l;
    if (!begin(&l, "send"))
        return;
    for (const nf_costing *c = NULL; (c = nf_costing_next(report, NF_COST_SEND, c)) != NULL;) {
        part(&l);
        if (c->amount != amount)
            fprintf(l.out, "%s: ", nf_bytes_text(c->amount, size));
        amount = c->amount;
        fprintf(l.out, "%s ", nf_way_text(c->of, size));
        say_time(c, l.out);
    }
    end(&l, out);
}

/* A line a kernel. */
static void break_even_lines(const nf_report *report, FILE *out)
{
    const nf_costing *c = nf_costing_next(report, NF_COST_BREAK_EVEN, NULL);
    char size[NF_CELL], workers[NF_CELL];
    line l;
    for (bool first = true; c != NULL; first = false) {
        const char *kernel = c->of->kernel;
        if (!begin(&l, first ? "break-even" : ""))
            return;
        fprintf(l.out, "%s: ", c->of->label);
        for (; c != NULL && strcmp(c->of->kernel, kernel) == 0;
             c = nf_costing_next(report, NF_COST_BREAK_EVEN, c)) {
            nf_workers_text(c->of->ranks, c->of->threads, workers);
            if (isfinite(c->value))
                fprintf(part(&l), "%s from %s %s on", workers, nf_thousands_text(c->value, size),
                        c->of->unit);
            else
                fprintf(part(&l), "%s not up to %s %s", workers, nf_thousands_text(c->amount, size),
                        c->of->unit);
            fputs(c->interval.known ? "" : " (not shown)", l.out);
        }
        end(&l, out);
    }
}

static void memory_line(const nf_report *report, FILE *out)
{
    const nf_costing *c = largest_saving(report);
    char held[NF_CELL], each[NF_CELL];
    line l;
    if (c == NULL || !begin(&l, "memory"))
        return;
    fprintf(part(&l), "%s: %s held instead of %s", c->of->what, nf_bytes_text(c->value, held),
            nf_bytes_text(c->amount, each));
    end(&l, out);
}

void nf_costs_table(const nf_report *report, FILE *out)
{
    if (report->ncosts == 0)
        return;
    fputs("what sharing out costs\n", out);
    start_line(report, out);
    share_line(report, false, out);
    share_line(report, true, out);
    send_line(report, out);
    break_even_lines(report, out);
    memory_line(report, out);
}
