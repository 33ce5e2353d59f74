/* note.h - the lines by which an output file says where it comes from. Internal to io/. */
#ifndef NF_NOTE_H
#define NF_NOTE_H

#include "io/array.h"

#ifdef NF_VERSION
#define NF_NOTE_VERSION NF_VERSION
#else
#define NF_NOTE_VERSION NULL
#endif

enum { NF_NOTES = 4 };

/* The name that a checksum of the cells has: a number in HDF5, decimal digits elsewhere. */
#define NF_NOTE_CHECKSUM "nfold_checksum"
enum { NF_NOTE_DIGITS = 20 }; /* with zeros before it, so that room can be taken for it before */

/* Name and text of each line; a NULL text is left out. */
typedef struct nf_note {
    const char *name, *text;
} nf_note;

static inline void nf_notes(const nf_provenance *from, nf_note notes[NF_NOTES])
{
    notes[0] = (nf_note){"nfold_version", NF_NOTE_VERSION};
    notes[1] = (nf_note){"nfold_command", from != NULL ? from->command : NULL};
    notes[2] = (nf_note){"nfold_chain", from != NULL ? from->chain : NULL};
    notes[3] = (nf_note){"nfold_input", from != NULL ? from->input : NULL};
}

#endif
