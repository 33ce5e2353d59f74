/* scale - strong and weak scaling of kernels within one run: serial, threads, ranks, and both. */
#include <stdlib.h>
#include <time.h>

#include "drivers/engine/team.h"
#include "drivers/scale_break_even.h"
#include "drivers/scale_study.h"

/* Seconds that a study may sample for where its points have no time of their own: each gets its
 * share, and its median may then rest on fewer samples than its precision would take, which the
 * report says. */
static const double sampling_seconds = 70;

/* Before anything is measured or overwritten: every chain suits the input. */
static nf_status check_chains(const scale_run *run, const scale_layouts *layouts)
{
    const scale_args *args = run->args;
    const nf_shape shape = scale_strong_shape(args, run->source);
    nf_status status = scale_layouts_check(run->cli, layouts);
    if (status == NF_OK)
        status = nf_shape_check(&shape, "the array of the strong study");
    if (status == NF_OK && run->source->shape.ndim == 1 && args->rows > 1)
        status = nf_fail(NF_ERR_USAGE, "--size: the input has one dimension; expected 1xCOLUMNS");
    for (size_t i = 0; i < args->chains.count && status == NF_OK; i++)
        status = nf_chain_prepare(&args->chains.list[i], &shape);
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

static nf_status prepare(scale_run *run, const scale_layouts *layouts)
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

static nf_status scale(const nf_cli *cli, scale_args *args)
{
    nf_source source;
    scale_layouts layouts;
    scale_run run = {.cli = cli, .args = args, .source = &source, .label = "scale"};
    nf_status status = nf_agree(&cli->world, scale_args_complete(cli, args));
    if (status == NF_OK)
        status = nf_source_open(&cli->world, &cli->node, args->input, &source);
    if (status != NF_OK)
        return status;
    scale_layouts_choose(cli, args, &layouts);
    status = prepare(&run, &layouts);
    if (status == NF_OK && !args->no_ceilings)
        status = scale_ceilings(&run);
    run.deadline = nf_seconds() + sampling_seconds;
    if (status == NF_OK)
        status = scale_measure(&run);
    if (status == NF_OK && (args->costs & 1u << NF_COST_BREAK_EVEN) != 0)
        status = scale_break_even(&run);
    if (status == NF_OK && cli->world.rank == 0)
        status = scale_study_conclude(&run);
    nf_sleep_barrier(&cli->world);
    status = nf_agree(&cli->world, status);
    nf_source_close(&source);
    release(&run);
    return status;
}

int main(int argc, char **argv)
{
    scale_args args = {.folder = "nfold-study", .costs = (1u << NF_COSTS) - 1};
    nf_cli cli;
    nf_status status =
        nf_cli_start(&cli, argc, argv, &scale_argp, &args, NF_CLI_PLAN | NF_CLI_IMAGES);
    if (status == NF_OK && !cli.done)
        status = scale(&cli, &args);
    nf_chains_free(&args.chains);
    return nf_cli_stop(&cli, status);
}
