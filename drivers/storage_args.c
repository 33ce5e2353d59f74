#include "drivers/storage_args.h"

#include <string.h>

#include "drivers/cli.h"
#include "io/chunks.h"

error_t nf_storage_option(nf_storage_args *args, int key, const char *text)
{
    nf_status status = NF_OK;
    switch (key) {
    case NF_KEY_COMPRESS:
        status = nf_codec_parse("--compress", text, &args->compression);
        break;
    case NF_KEY_CHUNK:
        status = nf_chunk_parse("--chunk", text, args->chunk);
        break;
    case NF_KEY_SHUFFLE:
        args->shuffle_given = true;
        args->unshuffled = strcmp(text, "off") == 0;
        if (!args->unshuffled && strcmp(text, "on") != 0)
            return nf_cli_reject("--shuffle %s: expected on or off", text);
        break;
    case NF_KEY_FLETCHER32:
        args->fletcher32 = true;
        break;
    default:
        return ARGP_ERR_UNKNOWN;
    }
    return status == NF_OK ? 0 : nf_cli_reject("%s", nf_message(status));
}

nf_status nf_storage_check(const nf_storage_args *args)
{
    if (args->shuffle_given && args->compression.id == NF_CODEC_NONE)
        return nf_fail(NF_ERR_USAGE, "--shuffle is for what is compressed: add --compress deflate");
    return NF_OK;
}

void nf_storage_apply(const nf_storage_args *args, nf_output *output)
{
    output->compression = args->compression;
    output->shuffle = args->compression.id != NF_CODEC_NONE && !args->unshuffled;
    output->fletcher32 = args->fletcher32;
    memcpy(output->chunk, args->chunk, sizeof output->chunk);
}
