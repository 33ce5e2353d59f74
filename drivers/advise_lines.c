#include "drivers/advise_lines.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A word as a shell reads it again: plain, or in single quotes. */
static void put_word(FILE *out, const char *word)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "_-+=.,:/@%";
    if (word[0] != '\0' && word[strspn(word, plain)] == '\0') {
        fputs(word, out);
        return;
    }
    fputc('\'', out);
    for (; *word != '\0'; word++)
        fputs(*word == '\'' ? "'\\''" : (char[]){*word, '\0'}, out);
    fputc('\'', out);
}

/* A file, which must not read as an option. */
static void put_file(FILE *out, const char *name)
{
    char *there = NULL;
    if (name[0] == '-' && asprintf(&there, "./%s", name) < 0)
        there = NULL;
    put_word(out, there != NULL ? there : name);
    free(there);
}

static bool filters(const nf_chain *chain)
{
    return nf_chain_maps(chain) == chain->count;
}

/* The program and all behind it. */
static void put_program(FILE *out, const char *folder, const advise_args *args,
                        const nf_chain *chain, int threads)
{
    const nf_kernel *last = chain->stages[chain->count - 1].kernel;
    char program[4096];
    snprintf(program, sizeof program, "%s%s", folder, filters(chain) ? "filter" : "reduce");
    put_word(out, program);
    fprintf(out, " -t %d -k ", threads);
    put_word(out, args->chain);
    if (nf_chain_is_range(chain))
        return;
    fputc(' ', out);
    put_file(out, args->input != NULL ? args->input : "INPUT");
    if (filters(chain) || last->two_inputs) {
        fputc(' ', out);
        put_file(out, args->output != NULL ? args->output : filters(chain) ? "OUTPUT" : "SECOND");
    }
}

static void put_command(FILE *out, const char *folder, const advise_args *args,
                        const nf_chain *chain, const nf_choice *c)
{
    if (c->ranks > 1)
        fprintf(out, "mpirun -n %d ", c->ranks);
    if (c->nodes > 1)
        fprintf(out, "--map-by ppr:%d:node ", c->ranks / c->nodes);
    if (c->ranks > 1)
        fputs("--bind-to none ", out);
    put_program(out, folder, args, chain, c->threads);
}

static char *
line_of(void (*put)(FILE *, const char *, const advise_args *, const nf_chain *, const nf_choice *),
        const char *folder, const advise_args *args, const nf_chain *chain, const nf_choice *c)
{
    char *text = NULL;
    size_t length;
    FILE *out = open_memstream(&text, &length);
    if (out == NULL)
        return NULL;
    put(out, folder, args, chain, c);
    return fclose(out) == 0 ? text : NULL;
}

char *advise_command(const char *folder, const advise_args *args, const nf_chain *chain,
                     const nf_choice *c)
{
    return line_of(put_command, folder, args, chain, c);
}

/* Whether an output of this name can be gone on with: what is written in place, in any order. */
static bool resumes(const char *output)
{
    static const char *const suffixes[] = {".h5",   ".hdf5", ".nc",  ".nxs", ".tif",
                                           ".tiff", ".npy",  ".raw", ".bin", ".dat"};
    nf_path path;
    bool found = false;
    if (output == NULL || nf_path_parse(output, &path) != NF_OK)
        return output == NULL; /* any may be named */
    const char *dot = strrchr(path.file, '.');
    found = path.dataset != NULL;
    for (size_t i = 0; dot != NULL && i < sizeof suffixes / sizeof *suffixes; i++)
        found |= strcmp(dot, suffixes[i]) == 0;
    nf_path_free(&path);
    return found;
}

static void put_sbatch(FILE *out, const char *folder, const advise_args *args,
                       const nf_chain *chain, const nf_choice *c)
{
    bool job = filters(chain) && resumes(args->output);
    if (job) {
        fputs("NFOLD_CHAIN=", out);
        put_word(out, args->chain);
        fputs(" NFOLD_INPUT=", out);
        put_file(out, args->input != NULL ? args->input : "INPUT");
        fputs(" NFOLD_OUTPUT=", out);
        put_file(out, args->output != NULL ? args->output : "OUTPUT.h5:/image");
        fprintf(out, " OMP_NUM_THREADS=%d ", c->threads);
    }
    fprintf(out, "sbatch --nodes=%d --ntasks-per-node=%d --cpus-per-task=%d ", c->nodes,
            c->ranks / c->nodes, c->threads);
    if (job) {
        fputs("jobs/filter.sbatch", out);
        return;
    }
    char *command = advise_command(folder, args, chain, c);
    fputs("--wrap=", out);
    put_word(out, command != NULL ? command : "");
    free(command);
}

char *advise_sbatch(const char *folder, const advise_args *args, const nf_chain *chain,
                    const nf_choice *c)
{
    return line_of(put_sbatch, folder, args, chain, c);
}
