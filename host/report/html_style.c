/* The style of the page: light colours by default and on paper, dark ones where the reader's screen is dark. Called by html.c. */
#include "report/html.h"

const char *eg_html_style(void)
{
    return ":root{color-scheme:light dark;--paper:#fff;--ink:#1b1f24;--soft:#4d5661;--line:#d5dae0;--tint:#f4f6f8;"
           "--mark:#0b5cad}*{box-sizing:border-box}html{-webkit-text-size-adjust:100%}"
           "body{margin:0 auto;max-width:78rem;padding:1rem;background:var(--paper);color:var(--ink);"
           "font:1rem/1.5 system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue',Arial,'DejaVu Sans',sans-serif;"
           "overflow-wrap:anywhere}h1{font-size:1.5rem;line-height:1.25;margin:.5rem 0}"
           "h2{font-size:1.2rem;margin:2.25rem 0 .5rem}a{color:var(--mark)}"
           ":focus-visible{outline:3px solid var(--mark);outline-offset:2px}.skip{position:absolute;left:-999rem}"
           ".skip:focus{position:static}"
           ".verdict{border:1px solid var(--line);border-left:.4rem solid var(--mark);background:var(--tint);"
           "padding:.75rem 1rem;margin:1rem 0}.verdict p{margin:.25rem 0;max-width:70ch}"
           ".verdict .word{font-size:1.35rem;font-weight:700}"
           "nav ul{list-style:none;display:flex;flex-wrap:wrap;gap:.25rem 1.25rem;padding:0;margin:.75rem 0}"
           "dl{display:grid;grid-template-columns:minmax(7rem,max-content) 1fr;gap:.25rem 1.25rem;margin:.5rem 0}"
           "dt{color:var(--soft)}dd{margin:0}"
           ".pictures{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,33rem),1fr));gap:1.5rem;"
           "margin-bottom:1.5rem}.small{grid-template-columns:repeat(auto-fit,minmax(min(100%,22rem),1fr))}"
           "figure{margin:0;min-width:0;display:flex;flex-direction:column}"
           "figcaption{order:-1;margin-bottom:.5rem;max-width:70ch}figcaption h3{font-size:1.05rem;margin:0}"
           "figcaption p{margin:.15rem 0;font-size:.95rem;color:var(--soft)}.scroll{overflow-x:auto;max-width:100%}"
           "figure svg{display:block;max-width:100%;height:auto}p.note{margin:.35rem "
           "0;max-width:80ch;font-size:.9rem;color:var(--soft)}"
           "table{border-collapse:collapse;font-variant-numeric:tabular-nums;font-size:.9rem;overflow-wrap:normal}"
           "caption{text-align:left;color:var(--soft);padding:.25rem 0;position:sticky;left:0;"
           "max-width:min(70ch,calc(100vw - 2.5rem))}"
           "th,td{padding:.25rem .6rem;text-align:right;border-bottom:1px solid var(--line);vertical-align:top;"
           "white-space:nowrap}thead th{background:var(--tint);vertical-align:bottom}th.word,td.word{text-align:left}"
           "td.long{white-space:normal;min-width:14rem;max-width:40rem}tbody tr:hover{background:var(--tint)}"
           "code{unicode-bidi:isolate;font-family:ui-monospace,Menlo,Consolas,'DejaVu Sans Mono',monospace}"
           "pre{white-space:pre-wrap;background:var(--tint);border:1px solid var(--line);padding:.75rem;margin:.5rem 0}"
           ".heard{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}"
           "td.at{position:relative}";
}

const char *eg_html_dark_style(void)
{
    return ":root{--paper:#0d1117;--ink:#e8eaed;--soft:#b4bcc5;--line:#343c45;--tint:#171d24;--mark:#79b8ff}";
}

const char *eg_html_print_style(void)
{
    return "@page{margin:14mm}body{max-width:none;padding:0;font-size:10pt}nav,.skip{display:none}.scroll{overflow:visible}"
           ".pictures{display:block}figure{break-inside:avoid;margin-bottom:6mm}figure svg{max-width:12cm}"
           "table{font-size:7pt}th,td{padding:.5mm 1mm}thead{display:table-header-group}tr{break-inside:avoid}"
           "h2{break-after:avoid}td.long{min-width:0}a{color:inherit;text-decoration:none}";
}
