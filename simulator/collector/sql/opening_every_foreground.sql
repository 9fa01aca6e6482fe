-- opens = every-foreground: each mini_program_open, and each c_mp_show, the return of a mini program still alive.
SELECT id AS event FROM event WHERE name IN ('mini_program_open', 'c_mp_show')
