"""The bench: our paths beside their floors and a peer, measured in one run (`make bench`).

    run         the run from options to table       options     what may be asked
    stock       databases of N orders, kept         facts       what raw SQL sees in one of them
    pages       what is asked of our desk           floors      raw queries, and the least a page can cost
    shipping    ship POSTs, each of another sale    bringing    imports
    etsy_file   what is imported                    import_floors   the least that an import can cost
    hello       a bare Flask app                    peer        Flask-Admin over the same orders
    calls       asking in process and over HTTP     servers     servers as child processes, always ended
    measure     rounds and figures                  goals       what stands beside what, and how near
    table       the table and the JSON file         machine     what it ran on
    crowd       servers beside each other           heaviest    one path under the profiler

No figure is asserted anywhere; that each answer is the right one is.
"""
