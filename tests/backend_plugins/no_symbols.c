/* A library that is no plug-in. */
int eg_test_nothing(void);
int eg_test_nothing(void) { return 0; }
