/* scale - strong and weak scaling of kernels within one run: serial, threads, ranks, and both. */
#include <stdlib.h>
#include <time.h>

#include "drivers/engine/team.h"
#include "drivers/readfiles.h"
#include "drivers/scale_break_even.h"
#include "drivers/scale_costs.h"
#include "drivers/scale_study.h"
#include "drivers/study/amount.h"

/* Seconds that a study may sample for where its points have no time of their own: each gets its
 * share, and its median may then rest on fewer samples than its precision would take, which the
 * report says. */
static const double sampling_seconds = 70;

static nf_status check_chain(const scale_run *run, nf_chain *chain)
{
    const nf_shape shape = scale_strong_shape(run->args, run->source, chain);
    const scale_size *own = scale_size_of(run->args, chain);
    bool flat = run->source->shape.ndim == 1;
    nf_status status = nf_shape_check(&shape, "the array of the strong study");
    if (status == NF_OK && flat && own->rows > 1)
        status = nf_fail(NF_ERR_USAGE, "-k '%s': the input has one dimension; expected @ 1xCOLUMNS",
                         own->label);
    else if (status == NF_OK && flat && own->rows == 0 && run->args->rows > 1)
        status = nf_fail(NF_ERR_USAGE, "--size: the input has one dimension; expected 1xCOLUMNS");
    return status == NF_OK ? nf_chain_prepare(chain, &shape) : status;
}

/* Before anything is measured or overwritten: every chain suits the input. */
static nf_status check_chains(const scale_run *run, const scale_layouts *layouts)
{
    const nf_chains *chains = &run->args->chains;
    nf_status status = scale_layouts_check(run->cli, layouts);
    for (size_t i = 0; i < chains->count && status == NF_OK; i++)
        status = check_chain(run, &chains->list[i]);
    return status;
}

/* A seed where none was given, then that of the study that is resumed; rank 0's for all. */
static nf_status choose_seed(scale_run *run)
{
    const nf_world *world = &run->cli->world;
    struct timespec now;
    nf_status status = NF_OK;
    clock_gettime(CLOCK_REALTIME, &now);
    if (!run->args->seeded)
        run->args->seed =
            ((uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000) % 1000000000;
    if (world->rank == 0)
        status = scale_study_recall(run);
    nf_broadcast(world, &run->args->seed, sizeof run->args->seed, 0);
    return nf_agree(world, status);
}

/* All ranks learn which points an earlier launch has done. */
static nf_status share_done(scale_run *run)
{
    const nf_world *world = &run->cli->world;
    nf_status status = NF_OK;
    if (world->rank == 0)
        status = scale_points_recall(&run->points, &run->study);
    for (size_t i = 0; i < run->points.count; i++)
        nf_broadcast(world, &run->points.list[i].done, sizeof run->points.list[i].done, 0);
    return nf_agree(world, status);
}

static nf_status prepare(scale_run *run, const scale_layouts layouts[2])
{
    const nf_world *world = &run->cli->world;
    nf_status status = nf_agree(world, check_chains(run, layouts));
    if (status == NF_OK)
        status = choose_seed(run);
    if (status == NF_OK)
        status = nf_agree(world, scale_points_make(run->args, run->source, layouts, &run->points));
    run->timer = nf_timer_measure();
    if (status == NF_OK && world->rank == 0)
        status = scale_study_begin(run, layouts);
    status = nf_agree(world, status);
    return status == NF_OK ? share_done(run) : status;
}

/* ---- small files ---- */

/* What one chain's checks and points read. */
static nf_small_set needs_of(const scale_run *run, size_t chain)
{
    nf_small_set set = nf_readfiles_needs(&run->args->chains.list[chain]);
    for (size_t i = 0; i < run->points.count && set.files > 0; i++) {
        const scale_point *p = &run->points.list[i];
        if (p->chain == chain && p->key.shape.dim[2] > set.files)
            set.files = p->key.shape.dim[2];
    }
    return set;
}

/* Rank 0: what waiting for one of them is worth here. */
static nf_status note_files(scale_run *run, const nf_small_set *set)
{
    static const char name[] = "reading a small file";
    char value[256], dropped[NF_AMOUNT], kept[NF_AMOUNT];
    nf_readfiles_cost cost;
    nf_status status = nf_readfiles_probe(set, &cost);
    if (status != NF_OK || nf_study_find(&run->study, name) != NULL)
        return status;
    snprintf(value, sizeof value,
             "of %lld bytes in %s, by one thread: %s when it was dropped from the page cache, %s "
             "when it was not%s",
             (long long)set->bytes, run->args->folder, nf_seconds_text(cost.dropped, 3, dropped),
             nf_seconds_text(cost.kept, 3, kept),
             cost.dropped < 1.5 * cost.kept ? "; there is hardly anything to wait for" : "");
    return scale_study_note(run, name, value);
}

/* Collective. Those that some chain reads, on the file system of the study's folder. */
static nf_status make_files(scale_run *run)
{
    nf_small_set *sets = calloc(run->args->chains.count, sizeof *sets);
    size_t n = 0;
    nf_status status =
        nf_agree(&run->cli->world, sets ? NF_OK : nf_fail(NF_ERR_MEMORY, "no memory for sizes"));
    for (size_t c = 0; c < run->args->chains.count && status == NF_OK; c++) {
        sets[n] = needs_of(run, c);
        n += sets[n].files > 0;
    }
    if (status == NF_OK && n > 0) {
        status = nf_small_files_make(&run->cli->world, &run->cli->node, run->args->folder, sets, n);
        if (status == NF_OK && run->cli->world.rank == 0)
            status = note_files(run, sets);
        status = nf_agree(&run->cli->world, status);
    }
    free(sets);
    return status;
}

static void release(scale_run *run)
{
    if (run->records != NULL)
        fclose(run->records);
    scale_points_free(&run->points);
    scale_expectations_free(&run->expected);
    nf_study_free(&run->study);
    free(run->records_path);
    free(run->checked);
}

static nf_status measure(scale_run *run, const scale_layouts layouts[2])
{
    nf_status status = prepare(run, layouts);
    if (status == NF_OK)
        status = make_files(run);
    if (status == NF_OK && !run->args->no_ceilings)
        status = scale_ceilings(run);
    if (status == NF_OK)
        status = scale_costs(run);
    run->deadline = nf_seconds() + sampling_seconds;
    if (status == NF_OK)
        status = scale_measure(run);
    if (status == NF_OK && (run->args->costs & 1u << NF_COST_BREAK_EVEN) != 0)
        status = scale_break_even(run);
    nf_small_files_remove();
    if (status == NF_OK && run->cli->world.rank == 0)
        status = scale_study_conclude(run);
    nf_sleep_barrier(&run->cli->world);
    return nf_agree(&run->cli->world, status);
}

static nf_status scale(const nf_cli *cli, scale_args *args)
{
    nf_source source;
    scale_layouts layouts[2];
    scale_run run = {.cli = cli, .args = args, .source = &source, .label = "scale"};
    nf_status status = nf_agree(&cli->world, scale_args_complete(cli, args));
    if (status == NF_OK)
        status = nf_source_open(&cli->world, &cli->node, args->input, &source);
    if (status != NF_OK)
        return status;
    for (int waits = 0; waits < 2; waits++)
        scale_layouts_choose(cli, args, waits, &layouts[waits]);
    status = measure(&run, layouts);
    nf_source_close(&source);
    release(&run);
    return status;
}

int main(int argc, char **argv)
{
    scale_args args = {.folder = "nfold-study", .costs = (1u << NF_COSTS) - 1};
    nf_cli cli;
    nf_kernel_add(&nf_kernel_readfiles);
    nf_status status =
        nf_cli_start(&cli, argc, argv, &scale_argp, &args, NF_CLI_PLAN | NF_CLI_IMAGES);
    if (status == NF_OK && !cli.done)
        status = scale(&cli, &args);
    scale_args_free(&args);
    return nf_cli_stop(&cli, status);
}
