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

eegpu_status eg_pages_open(const eg_settings *settings, const char *output, eg_pages *pages)
{
    char paths[EG_PICTURES][PATH_MAX];
    eg_output_name names[EG_PICTURES + 2] = {{"output", output}, {"html", settings->html}};
    int pictures = settings->svg != NULL ? EG_PICTURES : 0;
    eegpu_status status;
    for (int i = 0; i < pictures; i++) {
        if (snprintf(paths[i], sizeof paths[i], "%s/%s.svg", settings->svg, eg_pictures[i].name) >= (int)sizeof paths[i])
            return eg_fail(EEGPU_USAGE, "--svg: the name of the folder is too long");
        names[i + 2] = (eg_output_name){"svg", paths[i]};
    }
    EG_TRY(eg_output_names_check(settings, names, (size_t)pictures + 2));
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
        if (picture->is_there(report, picture->number))
            EG_TRY(picture->draw(report, picture, &(eg_svg){.stream = pages->svg[i].stream, .name = picture->name, .alone = true}));
        else
            eg_output_discard(&pages->svg[i]);
    }
done:
    return status;
}

eegpu_status eg_pages_commit(eg_pages *pages)
{
    eegpu_status status;
    EG_TRY(eg_output_commit(&pages->html));
    for (int i = 0; i < EG_PICTURES; i++)
        EG_TRY(eg_output_commit(&pages->svg[i]));
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
