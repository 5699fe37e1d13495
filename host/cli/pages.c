/* Opens, writes and commits the page and the pictures. Called by cmd_law.c. */
#include "cli/pages.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/cli.h"
#include "report/html.h"

static eegpu_status make_folder(const char *folder, eg_pages *pages)
{
    if (mkdir(folder, 0777) == 0)
        pages->made_folder = folder;
    else if (errno != EEXIST)
        return eg_fail(EEGPU_IO, "cannot make the folder '%s' for the pictures: %s", folder, strerror(errno));
    return EEGPU_OK;
}

static eegpu_status picture_path(const char *folder, int picture, char path[PATH_MAX])
{
    if (snprintf(path, PATH_MAX, "%s/%s.svg", folder, eg_pictures[picture].name) >= PATH_MAX)
        return eg_fail(EEGPU_USAGE, "--svg: the name of the folder is too long");
    return EEGPU_OK;
}

/* The folder is a name as well: a page cannot have it. */
static eegpu_status check_names(const eg_settings *settings, const char *output, char (*paths)[PATH_MAX], char *folder)
{
    eg_output_name names[EG_PICTURES + 3] = {{"output", output}, {"html", settings->html}};
    size_t count = 2, length = 0;
    for (int i = 0; i < EG_PICTURES && settings->svg != NULL; i++)
        names[count++] = (eg_output_name){"svg", paths[i]};
    if (settings->svg != NULL) {
        snprintf(folder, PATH_MAX, "%s", settings->svg);
        for (length = strlen(folder); length > 1 && folder[length - 1] == '/'; length--)
            folder[length - 1] = '\0';
        names[count++] = (eg_output_name){"svg", folder};
    }
    return eg_output_names_check(settings, names, count);
}

eegpu_status eg_pages_open(const eg_settings *settings, const char *output, eg_pages *pages)
{
    char paths[EG_PICTURES][PATH_MAX], folder[PATH_MAX];
    int pictures = settings->svg != NULL ? EG_PICTURES : 0;
    eegpu_status status = EEGPU_OK;
    for (int i = 0; i < pictures; i++)
        EG_TRY(picture_path(settings->svg, i, paths[i]));
    EG_TRY(check_names(settings, output, paths, folder));
    pages->folder = settings->svg;
    if (settings->html != NULL)
        EG_TRY(eg_output_open(settings->html, &pages->html));
    if (pictures > 0)
        EG_TRY(make_folder(settings->svg, pages));
    for (int i = 0; i < pictures; i++)
        EG_TRY(eg_output_open(paths[i], &pages->svg[i]));
done:
    return status;
}

eegpu_status eg_pages_write(const eg_law_report *report, eg_pages *pages)
{
    eegpu_status status = EEGPU_OK;
    if (pages->html.stream != NULL)
        EG_TRY(eg_law_write_html(report, pages->html.stream));
    for (int i = 0; i < EG_PICTURES; i++) {
        const eg_picture *picture = &eg_pictures[i];
        if (pages->svg[i].stream == NULL)
            continue;
        pages->absent[i] = !picture->is_there(report, picture->number);
        if (!pages->absent[i])
            EG_TRY(picture->draw(report, picture, &(eg_svg){.stream = pages->svg[i].stream, .name = picture->name, .alone = true}));
        else
            eg_output_discard(&pages->svg[i]);
    }
done:
    return status;
}

/* A picture of an earlier report would be taken for one of this. Only files of these names go, and no error is made of one that
 * stays. */
static void remove_stale(const eg_pages *pages)
{
    char path[PATH_MAX];
    struct stat entry;
    for (int i = 0; i < EG_PICTURES && pages->folder != NULL; i++)
        if (pages->absent[i] && picture_path(pages->folder, i, path) == EEGPU_OK && lstat(path, &entry) == 0 &&
            S_ISREG(entry.st_mode))
            (void)unlink(path);
}

eegpu_status eg_pages_commit(eg_pages *pages)
{
    eegpu_status status;
    EG_TRY(eg_output_commit(&pages->html));
    for (int i = 0; i < EG_PICTURES; i++)
        EG_TRY(eg_output_commit(&pages->svg[i]));
    remove_stale(pages);
    pages->made_folder = NULL;
done:
    return status;
}

void eg_pages_discard(eg_pages *pages)
{
    eg_output_discard(&pages->html);
    for (int i = 0; i < EG_PICTURES; i++)
        eg_output_discard(&pages->svg[i]);
    if (pages->made_folder != NULL)
        (void)rmdir(pages->made_folder);
    pages->made_folder = NULL;
}
