/* scale_study.h - the study's file: facts, settings, and going on where an earlier launch ended. */
#ifndef NF_SCALE_STUDY_H
#define NF_SCALE_STUDY_H

#include "drivers/scale_sample.h"

/* Rank 0, before points are made: with --resume reads what the earlier launches have recorded, and
 * takes their seed where none was given. Errors: NF_ERR_FILE where there is nothing to resume;
 * those of reading. */
nf_status scale_study_recall(scale_run *run);

/* Rank 0: notes facts and settings, and begins the file of records, DIR/study.part.jsonl, or goes
 * on with it; NF_ERR_USAGE where the settings differ from those of the study that is to be resumed.
 * */
nf_status scale_study_begin(scale_run *run, const scale_layouts layouts[2]);

/* Rank 0: notes one more fact of a study whose file is begun. */
nf_status scale_study_note(scale_run *run, const char *name, const char *value);

/* Rank 0: the complete study takes the place of an older one, DIR/study.jsonl; then the report and
 * the table. Until then both are there, and a broken-off study can be rendered from its part file.
 * */
nf_status scale_study_conclude(scale_run *run);

#endif
