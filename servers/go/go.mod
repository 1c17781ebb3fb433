module bench/servers/go

go 1.22
