-- opens = launch: each stored mini_program_open.
SELECT id AS event FROM event WHERE name = 'mini_program_open'
