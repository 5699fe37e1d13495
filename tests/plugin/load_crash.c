/* A plug-in that crashes before any of its functions is called. */
#include <stdlib.h>

double eegpu_function(const unsigned char *pixels, int height, int width);

__attribute__((constructor)) static void crash(void) { abort(); }

double eegpu_function(const unsigned char *pixels, int height, int width) { return pixels[height * width - 1]; }
