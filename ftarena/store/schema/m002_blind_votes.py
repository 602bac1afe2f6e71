"""Which votes are blind.

A labeler who was told the names, took that vote back and votes again knows who is who: such a vote stands,
but is not blind. Files of votes do not say what was shown (`names_shown` is NULL) and are taken as blind.
"""

SQL = """
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
                         AND u.labeler_id = s.labeler_id)) AS blind
FROM standing_events e
WHERE e.kind = 'vote'
  AND NOT EXISTS (
      SELECT 1 FROM standing_events l
      WHERE l.kind = 'vote' AND l.battle_id = e.battle_id AND l.labeler_id = e.labeler_id
        AND (l.created_at, l.position, l.id) > (e.created_at, e.position, e.id));
"""
