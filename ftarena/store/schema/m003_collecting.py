"""What careful collecting needs: who judged, repeated battles, leaks, categories, criteria, settings; tasks.

All of it can be copied into another database as it is, except `arena_settings`, which are how this file is
voted on and belong to it alone.
"""

SQL = """
-- A judge is a model that votes: never mixed with people.
ALTER TABLE labelers ADD COLUMN kind TEXT NOT NULL DEFAULT 'human' CHECK (kind IN ('human', 'judge'));

-- The battle whose two answers are shown again here with the sides swapped: an attention check of a person,
-- or a judge's second order. Never scored.
ALTER TABLE battles ADD COLUMN repeat_of TEXT REFERENCES battles (id);
-- What an answer gave itself away by, when this was drawn; NULL: nothing was found.
ALTER TABLE battles ADD COLUMN leaked TEXT CHECK (leaked <> '');
-- How much likelier this prompt was drawn for its pair than in a uniform draw; a vote weighs 1 / boost.
ALTER TABLE battles ADD COLUMN boost REAL NOT NULL DEFAULT 1 CHECK (boost > 0);
CREATE INDEX battles_repeated ON battles (repeat_of) WHERE repeat_of IS NOT NULL;
-- How many labelers have had a combination of prompt and pair.
CREATE INDEX battles_of_combination ON battles (prompt_id, left_id, right_id) WHERE origin <> 'import';

-- An undo whose `names_shown` is 'never' took its vote back before the names were told: nothing was learned.
DROP VIEW votes;
CREATE VIEW votes AS
SELECT e.id, e.battle_id, e.labeler_id, e.outcome, e.elapsed_ms, e.before_end, e.names_shown, e.position,
       e.created_at,
       e.names_shown IS NULL OR NOT EXISTS (
           SELECT 1 FROM ballot_events s
           WHERE s.battle_id = e.battle_id AND s.labeler_id = e.labeler_id
             AND s.kind = 'vote' AND s.names_shown = 'after'
             AND (s.created_at, s.position, s.id) < (e.created_at, e.position, e.id)
             AND EXISTS (SELECT 1 FROM ballot_events u WHERE u.target_id IS NOT NULL AND u.target_id = s.id
                         AND u.labeler_id = s.labeler_id AND u.names_shown IS NOT 'never')) AS blind
FROM standing_events e
WHERE e.kind = 'vote'
  AND NOT EXISTS (
      SELECT 1 FROM standing_events l
      WHERE l.kind = 'vote' AND l.battle_id = e.battle_id AND l.labeler_id = e.labeler_id
        AND (l.created_at, l.position, l.id) > (e.created_at, e.position, e.id));

-- What else was decided with a vote: an outcome by one criterion, or how strong the preference is. The last
-- one of a vote and an aspect stands.
CREATE TABLE ballot_details (
    id TEXT PRIMARY KEY,
    event_id TEXT NOT NULL REFERENCES ballot_events (id),
    aspect TEXT NOT NULL CHECK (aspect <> ''),               -- a criterion such as 'helpful', or 'strength'
    outcome TEXT CHECK (outcome IN ('left', 'right', 'tie', 'both_bad')),
    strength INTEGER CHECK (strength BETWEEN 1 AND 5),
    created_at TEXT NOT NULL,
    CHECK ((aspect = 'strength') = (strength IS NOT NULL)),
    CHECK ((aspect = 'strength') = (outcome IS NULL))
);
CREATE INDEX ballot_details_of_event ON ballot_details (event_id, aspect, id);
CREATE TRIGGER ballot_details_are_immutable BEFORE UPDATE ON ballot_details
BEGIN SELECT RAISE(ABORT, 'a ballot is never changed: the last detail stands'); END;
CREATE TRIGGER ballot_details_are_kept BEFORE DELETE ON ballot_details
BEGIN SELECT RAISE(ABORT, 'a ballot is never deleted'); END;

CREATE TABLE prompt_categories (
    prompt_id TEXT NOT NULL REFERENCES prompts (id),
    category TEXT NOT NULL CHECK (category <> ''),
    created_at TEXT NOT NULL,
    PRIMARY KEY (prompt_id, category)
) WITHOUT ROWID;

-- A prompt that a contestant's run was trained on: a vote on it says nothing of what is new to the model.
CREATE TABLE trained_prompts (
    prompt_id TEXT NOT NULL REFERENCES prompts (id),
    run_id TEXT NOT NULL,
    how TEXT NOT NULL CHECK (how IN ('same', 'near')),
    created_at TEXT NOT NULL,
    PRIMARY KEY (prompt_id, run_id)
) WITHOUT ROWID;

-- How likely a contestant finds an answer, its own or another's: the sum over its tokens, in nats.
CREATE TABLE answer_logprobs (
    answer_id TEXT NOT NULL REFERENCES answers (id),
    contestant_id TEXT NOT NULL REFERENCES contestants (id),
    logprob REAL NOT NULL,
    n_tokens INTEGER NOT NULL CHECK (n_tokens > 0),
    created_at TEXT NOT NULL,
    PRIMARY KEY (answer_id, contestant_id)
) WITHOUT ROWID;

CREATE TABLE arena_settings (
    key TEXT PRIMARY KEY CHECK (key <> ''),
    value_json TEXT NOT NULL
) WITHOUT ROWID;

-- A task is a set of items with a way to score answers; its id is a hash of both.
CREATE TABLE tasks (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL CHECK (name <> ''),
    metric TEXT NOT NULL CHECK (metric <> ''),               -- 'loss': nats per token of the reference
    items INTEGER NOT NULL CHECK (items > 0),
    -- Hash of what is asked and how long an answer may be: another metric scores the same answers anew.
    asked TEXT NOT NULL CHECK (asked <> ''),
    created_at TEXT NOT NULL
);
CREATE INDEX tasks_asking ON tasks (asked);
-- One contestant's answer to one item and its score. Of an item the earliest that has a score stands.
CREATE TABLE task_results (
    id TEXT PRIMARY KEY,
    task_id TEXT NOT NULL REFERENCES tasks (id),
    contestant_id TEXT NOT NULL REFERENCES contestants (id),
    item INTEGER NOT NULL CHECK (item >= 0),                 -- place in the task, from 0
    score REAL,                                              -- NULL where there is none: `note` says why
    note TEXT,
    answer TEXT,                                             -- NULL where none was made (a loss)
    finish_reason TEXT,
    n_tokens INTEGER,                                        -- of the answer, or of the reference (a loss)
    elapsed_s REAL,
    created_at TEXT NOT NULL,
    CHECK (score IS NOT NULL OR note IS NOT NULL)
);
CREATE TRIGGER task_results_are_immutable BEFORE UPDATE ON task_results
BEGIN SELECT RAISE(ABORT, 'a result is never changed'); END;
CREATE TRIGGER task_results_are_kept BEFORE DELETE ON task_results
BEGIN SELECT RAISE(ABORT, 'a result is never deleted'); END;
CREATE INDEX task_results_of ON task_results (task_id, contestant_id, item, created_at, id);
"""
