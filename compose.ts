/** The one place that builds concrete adapters and hands them down; everything else takes what it needs as arguments. */
