--- How many times slower a program is in the builds with sanitizers, and with tiny queues.
return { asan = 3, tsan = 5, tight = 2 }
