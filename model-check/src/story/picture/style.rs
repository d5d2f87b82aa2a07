//! How a picture looks.

/// The style sheet of a picture. Every rule is for what is inside `.tale`, so that it may stand in any page; colours
/// are written out, because most converters know no variables.
pub(super) const STYLE: &str = "\
.tale { font-family: system-ui, 'Segoe UI', 'Helvetica Neue', sans-serif; font-size: 13px }
.tale text { fill: #1d2733 }
.tale .paper { fill: #ffffff }
.tale .head { fill: #f3f5f8 }
.tale .name { font-weight: 600; text-anchor: middle }
.tale .thing { font-weight: 600; fill: #5a6673 }
.tale .number { fill: #7b8794; text-anchor: end; font-size: 11px }
.tale .life { stroke: #c3cbd4; stroke-width: 2 }
.tale .rule { stroke: #edf0f3 }
.tale .effect { stroke: #8b97a4; stroke-dasharray: 2 3 }
.tale .dot { fill: #5a6673 }
.tale .box { stroke-width: 1.2 }
.tale .lane0 .box { fill: #e9f1fc; stroke: #6f98cf }
.tale .lane1 .box { fill: #e8f5ec; stroke: #66a97c }
.tale .lane2 .box { fill: #f3ecfa; stroke: #9c7ec4 }
.tale .lane3 .box { fill: #fbf1e2; stroke: #c39a55 }
.tale .loud text { font-weight: 700 }
.tale .fatal .box { fill: #fdeaea; stroke: #c93434; stroke-width: 2.2 }
.tale line.event { stroke: #b3791f; stroke-dasharray: 6 4 }
.tale .event .box { fill: #fff6e3; stroke: #dcb877 }
.tale .event text { text-anchor: middle; fill: #7a4f0b }
.tale .bar { fill: #7f93ab }
.tale .odd .bar { fill: #b4c1d0 }
.tale .none .bar { fill: #e4e8ed }
.tale .none text { fill: #7b8794 }
.tale .broken rect, .tale .again rect { fill: #c93434 }
.tale .again rect { fill: #5a6673 }
.tale .broken text, .tale .again text { fill: #ffffff; font-weight: 600 }
.tale .back { fill: none; stroke: #5a6673; stroke-width: 2 }
@media screen and (prefers-color-scheme: dark) {
.tale text { fill: #e3e8ee }
.tale .paper { fill: #171c22 }
.tale .head { fill: #202730 }
.tale .thing { fill: #a7b3c0 }
.tale .number { fill: #8693a1 }
.tale .life { stroke: #4a5663 }
.tale .rule { stroke: #232b34 }
.tale .effect { stroke: #788695 }
.tale .dot { fill: #c5cfd9 }
.tale .lane0 .box { fill: #1c2f49; stroke: #5f8fd0 }
.tale .lane1 .box { fill: #1a3526; stroke: #5aa876 }
.tale .lane2 .box { fill: #30254a; stroke: #9c7fd0 }
.tale .lane3 .box { fill: #3b2f17; stroke: #c39a55 }
.tale .fatal .box { fill: #4a1b1e; stroke: #f06a6a }
.tale line.event { stroke: #c9973f }
.tale .event .box { fill: #33280f; stroke: #8a6a2d }
.tale .event text { fill: #f0cf94 }
.tale .bar { fill: #8fa6c2 }
.tale .odd .bar { fill: #566980 }
.tale .none .bar { fill: #2b343f }
.tale .none text { fill: #8693a1 }
.tale .broken rect { fill: #b83a3a }
.tale .broken text, .tale .again text { fill: #ffffff }
.tale .back { stroke: #a7b3c0 }
}
";
