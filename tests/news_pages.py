"""Five pages in the manner of five kinds of news site, as a browser saves them.

Each holds an invented article and what such sites put around and between its paragraphs. ``kept`` must
be in the extracted text, in this order; nothing of ``dropped`` may be, but for what is ``tolerated``.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class NewsPage:
    name: str
    html: str
    title: str
    author: str
    date: str
    headings: tuple[str, ...]
    kept: tuple[str, ...]
    dropped: tuple[str, ...]
    tolerated: tuple[str, ...] = ()


# A public broadcaster: semantic elements, components in blocks, generated class names.
BROADCASTER = NewsPage(
    name="broadcaster",
    title="Ferry service to the northern islands returns after eleven weeks",
    author="Marta Lindqvist",
    date="2023-03-14",
    headings=(
        "Ferry service to the northern islands returns after eleven weeks",
        "'We counted the days'",
    ),
    kept=(
        "The ferry that links the northern islands with the mainland sailed again on Tuesday.",
        "The Havlind left the harbour at 06:40 with 212 passengers and 48 cars on board.",
        "Engineers had found cracks in two of the ship's four propeller shafts in December.",
        "'We counted the days'",
        '"We counted the days, and then we stopped counting," said shopkeeper Ingrid Moe.',
        "Her shop had sold neither milk nor bread for most of January.",
        "The council will decide in May whether to buy a second ship for 41 million euros.",
    ),
    dropped=(
        "Skip to content",
        "Accessibility Help",
        "Let us know you agree to cookies",
        "Sport Weather iPlayer",
        "Share page",
        "About sharing",
        "Related topics",
        "Top stories",
        "Storm closes three mountain passes",
        "Most read",
        "Why the eels are coming back",
        "Terms of Use",
        "not responsible for the content of external sites",
    ),
    html="""<!DOCTYPE html><html lang="en-GB" class="no-js"><head><meta charset="utf-8">
<title>Ferry service to the northern islands returns after eleven weeks - Nordcast News</title>
<meta property="og:title" content="Ferry service to the northern islands returns after eleven weeks">
<meta property="og:site_name" content="Nordcast News">
<script type="application/ld+json">{"@context":"http://schema.org","@type":"ReportageNewsArticle",
"headline":"Ferry service to the northern islands returns after eleven weeks",
"datePublished":"2023-03-14T08:12:41.000Z","dateModified":"2023-03-15T09:00:00.000Z",
"author":[{"@type":"Person","name":"Marta Lindqvist"}],
"publisher":{"@type":"NewsMediaOrganization","name":"Nordcast News"}}</script>
<style>.ssrcss-1q0x1qg{margin:0}</style></head>
<body><div id="cookiePrompt" class="ssrcss-u3tmht-ConsentBanner"><section><h2>Let us know you agree to cookies</h2>
<p>We use cookies to give you the best online experience. Please let us know if you agree to all of these cookies.</p>
<button>Yes, I agree</button><a href="/cookies">No, take me to settings</a></section></div>
<a class="ssrcss-skip" href="#main-heading">Skip to content</a><a href="/accessibility">Accessibility Help</a>
<header role="banner"><nav aria-label="Nordcast"><ul><li><a href="/">Home</a></li><li><a href="/n">News</a></li>
<li><a href="/s">Sport Weather iPlayer</a></li></ul></nav></header>
<div class="ssrcss-rgov1k-MainColumn"><main id="main-content"><article class="ssrcss-pv1rh6-ArticleWrapper">
<header><h1 id="main-heading" class="ssrcss-15xko80-StyledHeading">Ferry service to the northern islands returns after eleven weeks</h1>
<div data-component="byline-block"><div class="ssrcss-68pt20">By Marta Lindqvist</div></div>
<ul class="ssrcss-metadata"><li><time datetime="2023-03-14T08:12:41.000Z">14 March 2023</time></li></ul>
<div class="ssrcss-share-tools"><button>Share page</button><div><h2>About sharing</h2></div></div></header>
<div data-component="text-block"><div class="ssrcss-7uxr49-RichTextContainer"><p class="ssrcss-1q0x1qg"><b>The ferry that links the northern islands with the mainland sailed again on Tuesday.</b></p></div></div>
<div data-component="image-block"><figure><img src="ferry.jpg" alt="The ferry"><figcaption>The Havlind was built in 1987</figcaption></figure></div>
<div data-component="text-block"><div class="ssrcss-7uxr49"><p>The Havlind left the harbour at 06:40 with 212 passengers and 48 cars on board.</p>
<p>Engineers had found cracks in two of the ship's four propeller <a href="/shafts">shafts</a> in December.</p></div></div>
<div data-component="subheadline-block"><h2>'We counted the days'</h2></div>
<div data-component="text-block"><p>"We counted the days, and then we stopped counting," said shopkeeper Ingrid Moe.</p>
<p>Her shop had sold neither milk nor bread for most of January.</p></div>
<div data-component="text-block"><p>The council will decide in May whether to buy a second ship for 41 million euros.</p></div>
<section data-component="topic-list" class="ssrcss-TopicListWrapper"><h2>Related topics</h2><ul><li><a href="/t/ferries">Ferries</a></li></ul></section>
</article></main>
<aside><h2>Top stories</h2><ol><li><a href="/1">Storm closes three mountain passes</a></li></ol>
<h2>Most read</h2><ol><li><a href="/2">Why the eels are coming back</a></li></ol></aside></div>
<footer><ul><li><a href="/terms">Terms of Use</a></li></ul><small>Copyright 2023 Nordcast. Nordcast is not responsible for the content of external sites.</small></footer>
<script>window.__INITIAL_DATA__={"x":"<p>The ferry that links</p>"}</script></body></html>""",
)

# A newspaper with a paywall: plain div elements, class names that say what they are.
NEWSPAPER = NewsPage(
    name="newspaper",
    title="The town that bought its own reservoir",
    author="Tomás Okafor",
    date="2022-09-30",
    headings=("The town that bought its own reservoir", "A vote, and then another", "What it cost"),
    kept=(
        "CALDERA, Sept. 30 — For 61 years the water of this town belonged to somebody else.",
        "On Thursday evening its 4,300 residents became the owners of a reservoir, two pumping stations and 88 miles of pipe.",
        "A vote, and then another",
        "The first ballot, in 2019, failed by 17 votes; the second passed with 71 percent.",
        "“People thought it was a joke,” said Mayor Delia Prentiss, who had campaigned for the purchase.",
        "What it cost",
        "The price was $12.6 million, less than a third of what the company had asked for in 2018.",
        "Water bills are to stay where they are until 2026, according to the agreement.",
        "The company, Tri-Valley Water, declined to comment.",
    ),
    dropped=(
        "SUBSCRIBE FOR $1 A WEEK",
        "Log In",
        "Advertisement",
        "Sign up for the Morning Brief",
        "Your email address",
        "By continuing you agree to our terms",
        "Editors' Picks",
        "She Walked Out of the Desert",
        "Give this article",
        "Read 214 comments",
        "Trending",
        "© 2022 The Caldera Ledger",
        "Your tracker settings",
    ),
    html="""<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>The town that bought its own reservoir | The Caldera Ledger</title>
<meta name="byl" content="By Tomás Okafor"><meta name="author" content="Tomás Okafor"/>
<meta property="og:title" content="The town that bought its own reservoir"/>
<meta property="article:published_time" content="2022-09-30T09:00:07-07:00"/></head>
<body><div class="page-wrapper"><div class="top-bar"><div class="masthead-mini"><a href="/">The Caldera Ledger</a>
<a class="btn-subscribe subscribe" href="/sub">SUBSCRIBE FOR $1 A WEEK</a><a class="login" href="/login">Log In</a></div></div>
<div class="nav-container nav"><ul><li>World</li><li>U.S.</li><li>Politics</li><li>Business</li></ul></div>
<div class="ad ad-top"><div>Advertisement</div><a href="#after-ad">SKIP ADVERTISEMENT</a></div>
<div class="story" id="story"><div class="story-header"><h1 class="headline">The town that bought its own reservoir</h1>
<p class="summary">After three decades of leaks, a mountain community took its taps into its own hands.</p>
<div class="share-tools share"><button>Give this article</button><span>Share</span></div>
<div class="byline-wrap"><p class="byline">By <span>Tomás Okafor</span></p><p class="dateline-time"><time datetime="2022-09-30T09:00:07-07:00">Sept. 30, 2022</time></p></div></div>
<div class="story-body"><div class="story-body-companion"><p class="p-text">CALDERA, Sept. 30 — For 61 years the water of this town belonged to somebody else.</p>
<p class="p-text">On Thursday evening its 4,300 residents became the owners of a reservoir, two pumping stations and 88 miles of pipe.</p></div>
<div class="ad ad-inline"><p>Advertisement</p></div>
<div class="story-body-companion"><h2>A vote, and then another</h2><p class="p-text">The first ballot, in 2019, failed by 17 votes; the second passed with 71 percent.</p>
<p class="p-text">“People thought it was a joke,” said Mayor Delia Prentiss, who had campaigned for the purchase.</p></div>
<div class="newsletter-signup newsletter"><h3>Sign up for the Morning Brief</h3><p>Start your day with the stories that matter, five days a week.</p>
<form><label>Your email address</label><input type="email"><button>Sign up</button></form><p>By continuing you agree to our terms of sale.</p></div>
<div class="story-body-companion"><h2>What it cost</h2><p class="p-text">The price was $12.6 million, less than a third of what the company had asked for in 2018.</p>
<p class="p-text">Water bills are to stay where they are until 2026, according to the agreement.</p>
<p class="p-text">The company, Tri-Valley Water, declined to comment.</p></div></div>
<div class="bottom-tools"><a href="#comments" class="comments">Read 214 comments</a></div></div>
<div class="recirculation"><h3>Editors' Picks</h3><ul><li><a href="/a">She Walked Out of the Desert With 40 Goats and a Plan to Stay</a></li>
<li><a href="/b">Is It Too Late to Learn the Cello?</a></li></ul><h3>Trending</h3><ul><li><a href="/c">The Last Lamplighter of Harrow Street Retires at Ninety</a></li></ul></div>
<div class="site-footer footer"><p>© 2022 The Caldera Ledger</p><ul><li>Contact Us</li><li>Work with us</li></ul></div>
<div id="gdpr" class="gdpr-modal"><p>Your tracker settings</p><p>We use cookies and similar methods to recognize visitors and remember their preferences.</p></div>
</div></body></html>""",
)

# A local paper on a blog system: plugins for sharing, related posts and comments.
LOCAL_BLOG = NewsPage(
    name="local blog",
    title="Library cat retires after 14 years",
    author="Priya Raman",
    date="2021-06-18",
    headings=(
        "Library cat retires after 14 years",
        "A short history of a long career",
        "Who comes next?",
    ),
    kept=(
        "Biscuit, the grey tabby who has slept on the returns desk of the Holloway Street library since 2007, is retiring.",
        "Her last working day is Friday, June 25, and there will be cake.",
        "A short history of a long career",
        "Biscuit was found in the book drop on a November morning, inside a copy of an atlas.",
        "found in 2007",
        "weighed nine ounces",
        "The branch’s visits rose by 11 percent in the year after she came, head librarian Owen Tate said.",
        "Who comes next?",
        "Nobody has been appointed. “You don’t hire a cat,” Tate said. “A cat applies.”",
    ),
    dropped=(
        "Skip to content",
        "Share this:",
        "Click to share on Facebook",
        "Like this:",
        "Loading...",
        "Related",
        "School board delays vote on bell times",
        "4 thoughts on",
        "gordon_1958",
        "I once saw her chase a policeman",
        "Leave a Reply",
        "Your email address will not be published",
        "Recent Posts",
        "Pothole of the month",
        "Archives",
        "Proudly powered by",
        "Previous Post",
        "This site uses Akismet",
    ),
    html="""<!DOCTYPE html><html lang="en-US"><head><meta charset="UTF-8"/><title>Library cat retires after 14 years &#8211; Holloway Street Herald</title>
<meta property="og:title" content="Library cat retires after 14 years"/><meta property="article:published_time" content="2021-06-18T15:22:10+00:00"/>
<meta property="og:site_name" content="Holloway Street Herald"/></head>
<body class="post-template-default single single-post postid-8812 single-format-standard has-sidebar wp-custom-logo nav-menu-open">
<div id="page" class="site"><a class="skip-link screen-reader-text" href="#content">Skip to content</a>
<header id="masthead" class="site-header"><p class="site-title">Holloway Street Herald</p><nav id="site-navigation" class="main-navigation"><ul id="primary-menu" class="menu"><li class="menu-item">Home</li><li class="menu-item">About</li></ul></nav></header>
<div id="content" class="site-content"><div id="primary" class="content-area"><main id="main" class="site-main">
<article id="post-8812" class="post-8812 post type-post status-publish has-post-thumbnail hentry category-news tag-cats">
<header class="entry-header"><h1 class="entry-title">Library cat retires after 14 years</h1><div class="entry-meta"><span class="posted-on">Posted on <time class="entry-date published" datetime="2021-06-18T15:22:10+00:00">June 18, 2021</time></span><span class="byline"> by <span class="author vcard"><a class="url fn n" href="/author/priya">Priya Raman</a></span></span></div></header>
<div class="entry-content"><p>Biscuit, the grey tabby who has slept on the returns desk of the Holloway Street library since 2007, is retiring.</p>
<p>Her last working day is Friday, June 25, and there will be cake.</p>
<h3>A short history of a long career</h3>
<p>Biscuit was found in the book drop on a November morning, inside a copy of an atlas.</p>
<ul><li>found in 2007</li><li>weighed nine ounces</li></ul>
<div class="wp-block-image"><figure class="aligncenter"><img src="cat.jpg" alt=""/></figure></div>
<p>The branch&#8217;s visits rose by 11 percent in the year after she came, head librarian Owen Tate said.</p>
<h3>Who comes next?</h3><p>Nobody has been appointed. &#8220;You don&#8217;t hire a cat,&#8221; Tate said. &#8220;A cat applies.&#8221;</p>
<div class="sharedaddy sd-sharing-enabled"><div class="robots-nocontent sd-block sd-social sd-social-icon sd-sharing"><h3 class="sd-title">Share this:</h3><div class="sd-content"><ul><li><a href="#" title="Click to share on Facebook"><span class="sharing-screen-reader-text">Click to share on Facebook (Opens in new window)</span></a></li></ul></div></div></div>
<div class="sharedaddy sd-block sd-like jetpack-likes-widget-wrapper"><h3 class="sd-title">Like this:</h3><div class="likes-widget-placeholder"><span class="button"><span>Like</span></span> <span class="loading">Loading...</span></div></div>
<div id="jp-relatedposts" class="jp-relatedposts"><h3 class="jp-relatedposts-headline"><em>Related</em></h3><p>School board delays vote on bell times</p></div></div>
<footer class="entry-footer"><span class="cat-links">Posted in <a href="/news">News</a></span><span class="tags-links">Tagged cats</span></footer></article>
<nav class="navigation post-navigation"><h2 class="screen-reader-text">Post navigation</h2><div class="nav-links"><a href="/p">Previous Post: Pool reopens</a></div></nav>
<div id="comments" class="comments-area"><h2 class="comments-title">4 thoughts on &ldquo;Library cat retires after 14 years&rdquo;</h2><ol class="comment-list"><li class="comment"><article class="comment-body"><footer class="comment-meta"><b>gordon_1958</b> says:</footer><div class="comment-content"><p>I once saw her chase a policeman down the whole length of Holloway Street and she was not even out of breath.</p></div></article></li></ol>
<div id="respond" class="comment-respond"><h3 id="reply-title">Leave a Reply</h3><form><p>Your email address will not be published.</p><textarea>x</textarea></form></div><p class="akismet_comment_form_privacy_notice">This site uses Akismet to reduce spam.</p></div>
</main></div><aside id="secondary" class="widget-area"><section class="widget widget_recent_entries"><h2>Recent Posts</h2><ul><li>Pothole of the month</li></ul></section><section class="widget widget_archive"><h2>Archives</h2><ul><li>June 2021</li></ul></section></aside></div>
<footer id="colophon" class="site-footer"><div class="site-info">Proudly powered by WordPress</div></footer></div></body></html>""",
)

# A page of the 1990s: tables for layout, fonts, no class, end tags left out.
TABLES = NewsPage(
    name="tables",
    title="Lighthouse keepers leave Point Sorrow",
    author="H. K. Varga",
    date="1998-08-31",
    headings=("Lighthouse keepers leave Point Sorrow",),
    kept=(
        "POINT SORROW -- The last two keepers of the Point Sorrow lighthouse came ashore on Monday, ending 142 years of manned service.",
        "A lamp run by a computer in the harbor office has done their work since noon.",
        "Keeper Anton Reyes, 58, carried a clock, a barometer and a parrot off the boat.",
        "The parrot is called Foghorn and speaks, Mr. Reyes said, only when it should not.",
        "The light can be seen from a distance of 19 nautical miles and turns once in ten seconds.",
        "The station will open to visitors next spring, the Coast Guard said.",
    ),
    dropped=(
        "Front Page",
        "Classifieds",
        "Tide Tables",
        "Best viewed with",
        "You are visitor number",
        "webmaster@",
        "Mail this story to a friend",
    ),
    html="""<HTML><HEAD><TITLE>Lighthouse keepers leave Point Sorrow</TITLE></HEAD>
<BODY BGCOLOR=#FFFFFF TEXT=#000000><CENTER><IMG SRC="banner.gif" ALT="The Coast Courier" WIDTH=468 HEIGHT=60></CENTER>
<TABLE BORDER=0 CELLPADDING=4 WIDTH=100%><TR><TD WIDTH=120 VALIGN=top BGCOLOR=#CCCCCC><FONT FACE=Arial SIZE=-1>
<A HREF="/">Front Page</A><BR><A HREF="/sports">Sports</A><BR><A HREF="/class">Classifieds</A><BR><A HREF="/tide">Tide Tables</A><BR></FONT></TD>
<TD VALIGN=top><FONT FACE="Times" SIZE=+2><H1>Lighthouse keepers leave Point Sorrow</H1></FONT>
<FONT SIZE=-1>By H. K. Varga<BR>August 31, 1998</FONT>
<P>POINT SORROW -- The last two keepers of the Point Sorrow lighthouse came ashore on Monday, ending 142 years of manned service.
<P>A lamp run by a computer in the harbor office has done their work since noon.
<P>Keeper Anton Reyes, 58, carried a clock, a barometer and a parrot off the boat.
<P>The parrot is called <I>Foghorn</I> and speaks, Mr. Reyes said, only when it should not.
<P>The light can be seen from a distance of 19 nautical miles and turns once in ten seconds.
<P>The station will open to visitors next spring, the Coast Guard said.
<P><FONT SIZE=-1><A HREF="mailto:">Mail this story to a friend</A></FONT></TD></TR></TABLE>
<HR><CENTER><FONT SIZE=-2><A HREF="/">Front Page</A> | <A HREF="/class">Classifieds</A><BR>Best viewed with Navigator 4.0 at 800x600<BR>You are visitor number 001482<BR>
<A HREF="mailto:webmaster@coast.example">webmaster@coast.example</A></FONT></CENTER></BODY></HTML>""",
)

# A web magazine: an application's output, nothing but div and generated names, cards in the text.
MAGAZINE = NewsPage(
    name="magazine",
    tolerated=("5 min read",),  # it stands in one line with author and date
    title="How a moth learned to love the streetlight less",
    author="Selin Arslan",
    date="2024-02-11",
    headings=("How a moth learned to love the streetlight less", "Ten summers of counting"),
    kept=(
        "Spindle ermine moths from bright towns fly to a lamp 30 percent less often than their country cousins, a study says.",
        "The biologists Florian Altermatt and Dieter Ebert raised more than a thousand of them from caterpillars.",
        "Half came from places with dark skies, half from the glow around Basel.",
        "Ten summers of counting",
        "Moths that stay away from lamps live longer, and so leave more young behind.",
        "There may be a price: an insect that flies less visits fewer flowers and feeds fewer bats.",
        "“Evolution has noticed the lights,” the author of a commentary wrote, “even if we have not.”",
    ),
    dropped=(
        "Read more: The secret life of gutters",
        "Join 90,000 readers",
        "Subscribe",
        "Listen to this article",
        "5 min read",
        "Accept all",
        "We value your privacy",
        "You may also like",
        "The beetle that drinks fog",
        "Copy link",
        "About us",
        "All rights reserved",
    ),
    html="""<!doctype html><html lang="en"><head><meta charset="utf-8"><title>How a moth learned to love the streetlight less | Undergrowth</title>
<meta property="og:title" content="How a moth learned to love the streetlight less"><meta name="author" content="Selin Arslan">
<script type="application/ld+json">[{"@type":"BreadcrumbList"},{"@type":"Article","datePublished":"2024-02-11","author":{"@type":"Person","name":"Selin Arslan"}}]</script></head>
<body><div id="__next"><div class="css-1x5hq2"><div class="css-9fk2aa"><div class="css-k2m">Undergrowth</div><div class="css-l0p"><a href="/bio">Biology</a><a href="/sky">Sky</a><a href="/sub">Subscribe</a></div></div>
<div class="css-77wq"><div class="css-1aa"><h1 class="css-2bb">How a moth learned to love the streetlight less</h1>
<div class="css-3cc"><span>Selin Arslan</span><span>11 February 2024</span><span>5 min read</span></div>
<div class="css-4dd"><button>Copy link</button><button>Listen to this article</button></div></div>
<div class="css-5ee"><p class="css-6ff">Spindle ermine moths from bright towns fly to a lamp 30 percent less often than their country cousins, a study says.</p>
<p class="css-6ff">The biologists Florian Altermatt and Dieter Ebert raised more than a thousand of them from caterpillars.</p>
<div class="css-7gg"><a class="css-8hh" href="/gutters"><img src="g.jpg"><div>Read more: The secret life of gutters</div></a></div>
<p class="css-6ff">Half came from places with dark skies, half from the glow around Basel.</p>
<h2 class="css-9ii">Ten summers of counting</h2>
<p class="css-6ff">Moths that stay away from lamps live longer, and so leave more young behind.</p>
<div class="css-0jj"><div>Join 90,000 readers</div><div>One letter a week, no gossip.</div><form><input><button>Subscribe</button></form></div>
<p class="css-6ff">There may be a price: an insect that flies less visits fewer flowers and feeds fewer bats.</p>
<p class="css-6ff">“Evolution has noticed the lights,” the author of a commentary wrote, “even if we have not.”</p></div></div>
<div class="css-rel"><div class="css-h">You may also like</div><div class="css-grid"><a href="/1"><div>The beetle that drinks fog</div></a><a href="/2"><div>Night shift: a week with the bat counters</div></a></div></div>
<div class="css-foot"><a href="/about">About us</a><a href="/jobs">Jobs</a><div>© 2024 Undergrowth. All rights reserved.</div></div></div></div>
<div id="onetrust-consent-sdk"><div role="dialog" aria-label="Privacy"><h2>We value your privacy</h2><p>We and our 812 partners store and access information on a device.</p><button>Accept all</button></div></div>
</body></html>""",
)

PAGES = (BROADCASTER, NEWSPAPER, LOCAL_BLOG, TABLES, MAGAZINE)

# Written after the rules of index/_formats/html*.py were settled, to see how they do on what they do not know.

# A regional paper on an old server framework: all in one form, and more comments than article.
FORM_WRAPPED = NewsPage(
    name="form-wrapped",
    title="Tram line 9 to close for ten weeks",
    author="Bernd Aller",
    date="2019-05-06",
    headings=("Tram line 9 to close for ten weeks", "Buses every six minutes"),
    kept=(
        "Tram line 9 between Hafenplatz and the university will be closed from 3 June to 11 August.",
        "About 27,000 people use it on a working day, according to the transport authority.",
        "The rails in Lindenstrasse date from 1962 and are worn down by up to 14 millimetres.",
        "Buses every six minutes",
        "Replacement buses will run every six minutes at peak times; bicycles cannot be taken along.",
        "The work costs 8.4 million euros, of which the state pays two thirds.",
    ),
    dropped=(
        "Homepage > City > Transport",
        "Comments (3)",
        "Typical. They close everything in summer",
        "My grandfather drove that line",
        "Report this comment",
        "Please log in to comment",
        "More from City",
        "New swimming pool opens on Saturday",
        "Imprint",
        "Delivery service",
    ),
    html="""<!DOCTYPE html><html><head><title>Tram line 9 to close for ten weeks - Hafener Tagblatt</title>
<meta name="date" content="2019-05-06T06:00:00+0200"><meta name="author" content="Bernd Aller"></head>
<body class="two-col"><form method="post" action="./article.aspx" id="aspnetForm"><input type="hidden" name="__VIEWSTATE" value="x">
<div id="wrap" class="with-sidebar has-nav"><div id="head"><a href="/">Hafener Tagblatt</a><ul id="mainnav"><li><a href="/c">City</a></li><li><a href="/r">Region</a></li><li><a href="/abo">Delivery service</a></li></ul></div>
<div id="crumbs"><a href="/">Homepage</a> &gt; <a href="/c">City</a> &gt; <a href="/t">Transport</a></div>
<div id="left"><div class="artikel"><div class="kicker">City</div><h1>Tram line 9 to close for ten weeks</h1>
<div class="autor">By Bernd Aller</div>
<div class="absatz">Tram line 9 between Hafenplatz and the university will be closed from 3 June to 11 August.</div>
<div class="absatz">About 27,000 people use it on a working day, according to the transport authority.</div>
<div class="absatz">The rails in Lindenstrasse date from 1962 and are worn down by up to 14 millimetres.</div>
<h2>Buses every six minutes</h2>
<div class="absatz">Replacement buses will run every six minutes at peak times; bicycles cannot be taken along.</div>
<div class="absatz">The work costs 8.4 million euros, of which the state pays two thirds.</div></div>
<div class="comments" id="c"><h3>Comments (3)</h3>
<div class="comment"><b>Optimist</b><p>Typical. They close everything in summer because then nobody from the city council is here to see what it does to the shops in Lindenstrasse.</p><a href="#">Report this comment</a></div>
<div class="comment"><b>H. Krause</b><p>My grandfather drove that line for thirty years and he always said that the curve at the brewery would one day throw a tram into the river. They laughed at him. Perhaps they should have listened, or at least looked at the rails a little earlier than in the year 2019.</p><a href="#">Report this comment</a></div>
<div class="comment"><b>bikergirl</b><p>Why can bicycles not be taken along? There is room enough in those buses. I have written to the authority three times now and got the same letter three times, signed by the same person, with the same mistake in my name.</p><a href="#">Report this comment</a></div>
<p>Please log in to comment.</p></div></div>
<div id="right"><div class="box"><h4>More from City</h4><ul><li><a href="/p">New swimming pool opens on Saturday</a></li><li><a href="/q">Market moves to the station</a></li></ul></div></div>
<div id="foot"><a href="/i">Imprint</a> <a href="/d">Data protection</a></div></div></form></body></html>""",
)

# A live blog: a main element with an article for each entry.
LIVE_BLOG = NewsPage(
    name="live blog",
    title="Comet watch: as it happened",
    author="Noor Haddad",
    date="2020-07-14",
    headings=(
        "Comet watch: as it happened",
        "Clouds part over the ridge",
        "First picture",
        "Goodnight",
    ),
    kept=(
        "We followed the comet through its best night of the year from Mount Aster.",
        "Clouds part over the ridge",
        "At 21:52 the western sky cleared, and some 300 people went quiet at once.",
        "First picture",
        "Student Wen Li took the first picture through the 40-centimetre telescope at 22:10.",
        "The tail was at least five degrees long, said the observatory's director, Paula Brandt.",
        "Goodnight",
        "The comet set at 00:31. It will not be back for some 6,800 years.",
    ),
    dropped=(
        "Live feed",
        "Follow us on",
        "Newest first",
        "Get notifications",
        "Explore more",
        "Eclipse glasses recalled",
        "Privacy policy",
    ),
    html="""<!doctype html><html lang="en"><head><title>Comet watch: as it happened | Sky Desk</title>
<script type="application/ld+json">{"@type":"LiveBlogPosting","headline":"Comet watch: as it happened","datePublished":"2020-07-14T18:00:00Z","author":{"name":"Noor Haddad"}}</script></head>
<body><header class="gh"><a href="/">Sky Desk</a><button>Get notifications</button></header>
<main><h1>Comet watch: as it happened</h1><div class="standfirst"><p>We followed the comet through its best night of the year from Mount Aster.</p></div>
<div class="follow social">Follow us on <a href="#">Chirper</a></div>
<div class="toolbar" role="toolbar"><button>Newest first</button></div>
<section aria-label="Live feed"><article id="b1"><header><time>21:58</time><h2>Clouds part over the ridge</h2></header><p>At 21:52 the western sky cleared, and some 300 people went quiet at once.</p><div class="share-row share"><a>Share</a></div></article>
<article id="b2"><header><time>22:15</time><h2>First picture</h2></header><p>Student Wen Li took the first picture through the 40-centimetre telescope at 22:10.</p><p>The tail was at least five degrees long, said the observatory's director, Paula Brandt.</p></article>
<article id="b3"><header><time>00:40</time><h2>Goodnight</h2></header><p>The comet set at 00:31. It will not be back for some 6,800 years.</p></article></section>
</main><section class="onward"><h2>Explore more</h2><a href="/e">Eclipse glasses recalled</a></section><footer><a href="/pp">Privacy policy</a></footer></body></html>""",
)

# A results page: paragraphs parted by line breaks, and a table that ends the article.
BREAKS_AND_TABLE = NewsPage(
    name="breaks and table",
    title="Regatta: Heron wins by a length",
    author="Lucy Achterberg",
    date="2017-08-20",
    headings=("Regatta: Heron wins by a length",),
    kept=(
        "The eight of the Heron rowing club won the river regatta on Sunday in 5 minutes 48.2 seconds.",
        "It was the club's first victory since 1994.",
        "Coach Samuel Idowu, 66, was thrown into the water twice.",
        "Heron | 5:48.2",
        "Old Mill | 5:50.9",
        "St Brannock | 5:57.0",
    ),
    dropped=(
        "Results | Tables | Clubs",
        "Print this page",
        "Back to top",
        "Site by",
        "Advertise with us",
    ),
    html="""<html><head><title>Regatta: Heron wins by a length</title></head><body><div id="container">
<div id="top"><a href="/r">Results</a> | <a href="/t">Tables</a> | <a href="/c">Clubs</a></div>
<div id="txt"><h1>Regatta: Heron wins by a length</h1>20 August 2017<br>By Lucy Achterberg<br><br>
The eight of the Heron rowing club won the river regatta on Sunday in 5 minutes 48.2 seconds.<br><br>
It was the club's first victory since 1994.<br><br>Coach Samuel Idowu, 66, was thrown into the water twice.<br><br>
<table><tr><td>Heron</td><td>5:48.2</td></tr><tr><td>Old Mill</td><td>5:50.9</td></tr><tr><td>St Brannock</td><td>5:57.0</td></tr></table></div>
<div id="tools"><a href="#">Print this page</a> <a href="#top">Back to top</a></div><div id="bot">Site by Wherry Web &middot; <a href="/ads">Advertise with us</a></div></div></body></html>""",
)

HELD_OUT = (FORM_WRAPPED, LIVE_BLOG, BREAKS_AND_TABLE)
