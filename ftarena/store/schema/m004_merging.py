"""What a merge of several arenas needs: every name that anybody gave a contestant.

What a contestant is called can then be worked out from the union of the names alone, whatever the order in
which the files were merged.
"""

SQL = """
CREATE TABLE contestant_names (
    contestant_id TEXT NOT NULL REFERENCES contestants (id),
    name TEXT NOT NULL CHECK (name <> ''),
    created_at TEXT NOT NULL,
    PRIMARY KEY (contestant_id, name)
) WITHOUT ROWID;
CREATE INDEX contestant_names_by_name ON contestant_names (name);
INSERT INTO contestant_names (contestant_id, name, created_at) SELECT id, name, created_at FROM contestants;
CREATE TRIGGER contestants_are_named AFTER INSERT ON contestants
BEGIN
    INSERT INTO contestant_names (contestant_id, name, created_at) VALUES (NEW.id, NEW.name, NEW.created_at)
    ON CONFLICT DO NOTHING;
END;
"""
