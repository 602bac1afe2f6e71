"""The first schema: contestants, prompts, answers, battles, ballot events, and what stands of them."""

SQL = """
CREATE TABLE models (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL UNIQUE CHECK (name <> ''),
    created_at TEXT NOT NULL
);
CREATE TABLE runs (
    id TEXT PRIMARY KEY CHECK (id <> ''),
    name TEXT NOT NULL,
    method TEXT NOT NULL,
    base_model TEXT NOT NULL,
    directory TEXT NOT NULL,
    created_at TEXT NOT NULL
);
CREATE TABLE contestants (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL UNIQUE CHECK (name <> ''),
    kind TEXT NOT NULL CHECK (kind IN ('base', 'adapter', 'model', 'remote', 'imported')),
    model_id TEXT REFERENCES models (id),
    run_id TEXT,                                  -- no foreign key: the run may lie on another machine
    spec_json TEXT CHECK ((spec_json IS NULL) = (kind = 'imported')),
    hidden INTEGER NOT NULL DEFAULT 0 CHECK (hidden IN (0, 1)),
    created_at TEXT NOT NULL
);
CREATE TRIGGER contestants_are_immutable
BEFORE UPDATE OF id, name, kind, model_id, run_id, spec_json, created_at ON contestants
BEGIN SELECT RAISE(ABORT, 'a contestant is never changed: add another one'); END;
CREATE TRIGGER contestants_are_kept BEFORE DELETE ON contestants
BEGIN SELECT RAISE(ABORT, 'a contestant is never deleted: hide it'); END;

CREATE TABLE prompts (
    id TEXT PRIMARY KEY,
    turns_json TEXT NOT NULL,                     -- [{"role": ..., "content": ...}, ...]
    source TEXT NOT NULL CHECK (source <> ''),
    reference TEXT,
    created_at TEXT NOT NULL
);
CREATE INDEX prompts_with_text ON prompts (source) WHERE source <> 'import';
-- A file of votes may name a prompt before its text is known; the text may then be filled in, once.
CREATE TRIGGER prompts_are_immutable BEFORE UPDATE ON prompts
WHEN OLD.source <> 'import' OR OLD.id <> NEW.id
BEGIN SELECT RAISE(ABORT, 'a prompt is never changed: add another one'); END;
CREATE TRIGGER prompts_are_kept BEFORE DELETE ON prompts
BEGIN SELECT RAISE(ABORT, 'a prompt is never deleted'); END;

CREATE TABLE answers (
    id TEXT PRIMARY KEY,
    contestant_id TEXT NOT NULL REFERENCES contestants (id),
    prompt_id TEXT NOT NULL REFERENCES prompts (id),
    sample INTEGER NOT NULL CHECK (sample >= 0),
    text TEXT NOT NULL,
    looks TEXT NOT NULL,                          -- hash of the text as shown on a screen
    finish_reason TEXT,
    n_tokens INTEGER,
    ttft_s REAL,
    elapsed_s REAL,
    created_at TEXT NOT NULL
);
CREATE INDEX answers_of ON answers (prompt_id, contestant_id, sample);
CREATE TRIGGER answers_are_immutable BEFORE UPDATE ON answers
BEGIN SELECT RAISE(ABORT, 'an answer is never changed'); END;
CREATE TRIGGER answers_are_kept BEFORE DELETE ON answers
BEGIN SELECT RAISE(ABORT, 'an answer is never deleted'); END;

CREATE TABLE labelers (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL UNIQUE CHECK (name <> ''),
    created_at TEXT NOT NULL
);

CREATE TABLE battles (
    id TEXT PRIMARY KEY,
    origin TEXT NOT NULL CHECK (origin IN ('arena', 'chat', 'import')),
    labeler_id TEXT NOT NULL REFERENCES labelers (id),       -- for whom
    prompt_id TEXT REFERENCES prompts (id),                  -- NULL: an imported vote that names none
    left_id TEXT NOT NULL REFERENCES contestants (id),
    right_id TEXT NOT NULL REFERENCES contestants (id),
    left_answer_id TEXT REFERENCES answers (id),
    right_answer_id TEXT REFERENCES answers (id),
    created_at TEXT NOT NULL,
    CHECK (left_id <> right_id),
    CHECK (origin = 'import' OR prompt_id IS NOT NULL),
    CHECK (origin = 'import' OR (left_answer_id IS NOT NULL AND right_answer_id IS NOT NULL))
);
CREATE INDEX battles_of_labeler ON battles (labeler_id, id) WHERE origin <> 'import';
CREATE TRIGGER battles_show_what_they_say BEFORE INSERT ON battles WHEN NEW.origin <> 'import'
BEGIN
    SELECT RAISE(ABORT, 'an answer of this battle is by another contestant or to another prompt')
    WHERE NOT EXISTS (SELECT 1 FROM answers WHERE id = NEW.left_answer_id
                      AND contestant_id = NEW.left_id AND prompt_id = NEW.prompt_id)
       OR NOT EXISTS (SELECT 1 FROM answers WHERE id = NEW.right_answer_id
                      AND contestant_id = NEW.right_id AND prompt_id = NEW.prompt_id);
END;
CREATE TRIGGER battles_are_immutable BEFORE UPDATE ON battles
BEGIN SELECT RAISE(ABORT, 'a battle is never changed'); END;
CREATE TRIGGER battles_are_kept BEFORE DELETE ON battles
BEGIN SELECT RAISE(ABORT, 'a battle is never deleted'); END;

CREATE TABLE ballot_events (
    id TEXT PRIMARY KEY,
    battle_id TEXT NOT NULL REFERENCES battles (id),
    labeler_id TEXT NOT NULL REFERENCES labelers (id),
    kind TEXT NOT NULL CHECK (kind IN ('vote', 'skip', 'undo', 'comment')),
    outcome TEXT CHECK (outcome IN ('left', 'right', 'tie', 'both_bad')),
    target_id TEXT REFERENCES ballot_events (id),            -- the vote or skip that an undo takes back
    elapsed_ms INTEGER CHECK (elapsed_ms >= 0),              -- from the first token shown to the key press
    before_end INTEGER CHECK (before_end IN (0, 1)),         -- decided before both answers were whole
    names_shown TEXT CHECK (names_shown IN ('never', 'after', 'end')),
    text TEXT,                                               -- a comment, or why it was skipped
    position INTEGER NOT NULL DEFAULT 0,                     -- place in the imported file, else 0
    created_at TEXT NOT NULL,
    CHECK ((kind = 'vote') = (outcome IS NOT NULL)),
    CHECK ((kind = 'undo') = (target_id IS NOT NULL))
);
CREATE INDEX ballot_events_of_battle ON ballot_events (battle_id, labeler_id);
CREATE INDEX ballot_events_of_labeler ON ballot_events (labeler_id, created_at, position, id)
    WHERE position = 0;
CREATE INDEX ballot_events_taken_back ON ballot_events (target_id) WHERE target_id IS NOT NULL;
CREATE TRIGGER ballot_events_are_immutable BEFORE UPDATE ON ballot_events
BEGIN SELECT RAISE(ABORT, 'a ballot is never changed: taking it back is another event'); END;
CREATE TRIGGER ballot_events_are_kept BEFORE DELETE ON ballot_events
BEGIN SELECT RAISE(ABORT, 'a ballot is never deleted: taking it back is another event'); END;

-- Votes and skips that nobody took back.
CREATE VIEW standing_events AS
SELECT e.* FROM ballot_events e
WHERE e.kind IN ('vote', 'skip')
  AND NOT EXISTS (SELECT 1 FROM ballot_events u WHERE u.target_id IS NOT NULL AND u.target_id = e.id
                  AND u.labeler_id = e.labeler_id);

-- What stands: of each labeler's votes on a battle the last one that was not taken back. "Last" is by what
-- the rows say (time, place in the file, id), never by the order in which they were written here.
CREATE VIEW votes AS
SELECT e.id, e.battle_id, e.labeler_id, e.outcome, e.elapsed_ms, e.before_end, e.names_shown, e.position,
       e.created_at
FROM standing_events e
WHERE e.kind = 'vote'
  AND NOT EXISTS (
      SELECT 1 FROM standing_events l
      WHERE l.kind = 'vote' AND l.battle_id = e.battle_id AND l.labeler_id = e.labeler_id
        AND (l.created_at, l.position, l.id) > (e.created_at, e.position, e.id));
"""
