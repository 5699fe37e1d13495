/* Plug-ins in the short form: a function of one image, and no header is needed. */
double eegpu_function(const unsigned char *pixels, int height, int width);
double first_row(const unsigned char *pixels, int height, int width);
double weighed(const unsigned char *pixels, int height, int width);

/* More than half of the pixels are lit. */
double eegpu_function(const unsigned char *pixels, int height, int width)
{
    int lit = 0;
    for (int i = 0; i < height * width; i++)
        lit += pixels[i];
    return 2 * lit > height * width;
}

double first_row(const unsigned char *pixels, int height, int width)
{
    (void)height;
    int lit = 0;
    for (int column = 0; column < width; column++)
        lit += pixels[column];
    return lit;
}

/* 0 or 1 on all images but the last, which is 0.25. */
double weighed(const unsigned char *pixels, int height, int width)
{
    int lit = 0;
    for (int i = 0; i < height * width; i++)
        lit += pixels[i];
    return lit == height * width ? 0.25 : lit % 2;
}
