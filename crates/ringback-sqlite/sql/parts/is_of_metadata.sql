-- Whether an event has the entry of metadata ?8, ?9: it is among the newest ?3 that do between ?1 and ?2.
id IN (
          SELECT event_id
          FROM ringback_event_metadata
          WHERE name = ?8 AND value = ?9 AND event_id >= ?1 AND event_id < ?2
          ORDER BY event_id DESC
          LIMIT ?3
      )
