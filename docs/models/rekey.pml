/* Rekey (PROTOCOL §7.7): the control track is reliable and in order, media packets may be lost and overtake it, and
 * either program may stop at any moment, with its keys: nobody tells the other.
 *
 *   - nobody sends in an epoch that the other does not accept yet;
 *   - the roots of an epoch that both send in are the same, also after attempts that failed;
 *   - the responder is never asked to hold media keys of three epochs: it refuses a rekey that comes before it has heard
 *     the epoch before, and that attempt is made again;
 *   - there is no deadlock, and nobody goes on for ever with keys that nobody else holds: in every run each side has
 *     stopped, was told of the end, or ended by its own clock. All that a side does uses up its ratchet, its attempts or
 *     its epochs, so there is no run without an end.
 *
 * Spin must find an error with each of these:
 *   -DEAGER      the responder sends in the next epoch as soon as it has answered: it is ahead of the initiator;
 *   -DIMPATIENT  the responder refuses nothing: it would hold three epochs;
 *   -DTRUSTING   the responder leaves the end of the ratchet to the initiator: it is left alone for ever.
 */
#ifndef EPOCHS
#define EPOCHS 3
#endif
#ifndef ATTEMPTS
#define ATTEMPTS 3
#endif
/* Packets of sound in one epoch: the steps of its ratchet. */
#ifndef LIFE
#define LIFE 2
#endif

mtype = { RK1, RK2, RK3, FAIL, EPOCH, END };

/* type, epoch, attempt, root */
chan to_r = [4] of { mtype, byte, byte, byte };
chan to_i = [4] of { mtype, byte, byte, byte };
/* The epoch of a packet of sound: read in any order, or never. */
chan sound_to_r = [2] of { byte };
chan sound_to_i = [2] of { byte };

byte i_tx, i_rx, r_tx, r_rx;     /* the newest epoch that is sent in, or accepted; of who stopped: that was */
byte i_root, r_root;             /* of the newest epoch that is sent in: which attempt made it */
bool i_stops, r_stops;

#define NOT_AHEAD assert(i_tx <= r_rx && r_tx <= i_rx)
/* What was read has been dealt with: one state, not one for each thing that was read. */
#define FORGET d_step { e = 0; a = 0; root = 0 }

/* One of the programs stops, at any moment, or none. */
active proctype fate() {
  if
  :: i_stops = true
  :: r_stops = true
  :: skip
  fi
}

active proctype initiator() {
  byte epoch, attempt, e, a, root, life = LIFE;
  bool left = true, heard = true;  /* the other has left the epoch before on its data tracks, and on its media */
  bool waits;                      /* for RK2 of this attempt */
  {
    do
    :: epoch < EPOCHS && left && heard && !waits && attempt < ATTEMPTS ->
       attempt++; waits = true;
       to_r ! RK1, epoch + 1, attempt, 0
    :: to_i ? RK2, e, a, root ->
       if
       :: waits && e == epoch + 1 && a == attempt ->
          waits = false;
          if
          :: /* it can't be read */ to_r ! FAIL, e, a, 0
          :: i_rx = e;
             to_r ! RK3, e, a, root;
             epoch = e; attempt = 0; left = false; heard = false; life = LIFE;
             d_step { i_tx = e; i_root = root; NOT_AHEAD };
             to_r ! EPOCH, e, 0, 0
          fi
       :: else                     /* of another attempt: ignored */
       fi;
       FORGET
    :: atomic {
         to_i ? FAIL, e, a, root ->
         if
         :: waits && e == epoch + 1 && a == attempt -> waits = false
         :: else
         fi;
         FORGET
       }
    :: atomic { to_i ? EPOCH, e, a, root -> assert(e == epoch && e == i_rx); left = true; FORGET }
    :: to_i ? END, e, a, root -> break
    :: atomic {
         life > 0 ->
         life--;
         if
         :: nfull(sound_to_r) -> sound_to_r ! i_tx
         :: skip                   /* it is lost */
         fi
       }
    :: atomic { sound_to_i ?? e -> assert(e <= i_rx); heard = heard || e == epoch; FORGET }
    :: life == 0 -> to_r ! END, 0, 0, 0; break
    od
  } unless { i_stops };
  atomic { epoch = 0; attempt = 0; life = 0; left = false; heard = false; waits = false };
end_over:
  do
  :: atomic { to_i ? _, e, a, root; FORGET }
  :: atomic { sound_to_i ?? e; FORGET }
  od
}

active proctype responder() {
  byte epoch, attempt, e, a, root, made, next_root, life = LIFE;
  bool pending, switched, left = true, heard = true;
  {
    do
    :: to_r ? RK1, e, a, root ->
       if
       :: e == epoch + 1 && a > attempt && !switched ->
          attempt = a;
          if
#ifndef IMPATIENT
          :: !left || !heard -> to_i ! FAIL, e, a, 0
          :: left && heard ->
#else
          :: true ->
#endif
             pending = false;
             if
             :: /* it can't be read */ to_i ! FAIL, e, a, 0
             :: made++;
                assert(left && heard);
                next_root = made; r_rx = e; pending = true;
                to_i ! RK2, e, a, next_root
#ifdef EAGER
                ; r_tx = e; NOT_AHEAD
#endif
             fi
          fi
       :: else
       fi;
       FORGET
    :: to_r ? RK3, e, a, root ->
       if
       :: e == epoch + 1 && a == attempt ->
          assert(pending && root == next_root);        /* else the proof in RK3 is wrong: the session ends */
          left = false; heard = switched;
          if
          :: !switched -> d_step { r_tx = e; r_root = next_root; NOT_AHEAD }; life = LIFE; to_i ! EPOCH, e, 0, 0
          :: else
          fi;
          epoch = e; attempt = 0; pending = false; switched = false;
          next_root = 0;
          assert(i_tx != r_tx || i_root == r_root)
       :: else
       fi;
       FORGET
    :: atomic {
         to_r ? FAIL, e, a, root ->
         if
         :: e == epoch + 1 && a == attempt -> assert(!switched); pending = false; next_root = 0
         :: else
         fi;
         FORGET
       }
    :: atomic { to_r ? EPOCH, e, a, root -> assert(e == epoch && e <= r_rx); left = true; FORGET }
    :: to_r ? END, e, a, root -> break
    :: atomic {
         life > 0 ->
         life--;
         if
         :: nfull(sound_to_i) -> sound_to_i ! r_tx
         :: skip                   /* it is lost */
         fi
       }
    :: sound_to_r ?? e ->
       assert(e <= r_rx);
       if
       :: e == epoch + 1 && pending && !switched ->    /* the initiator's media overtook RK3 */
          d_step { switched = true; r_tx = e; r_root = next_root; NOT_AHEAD }; life = LIFE; to_i ! EPOCH, e, 0, 0
       :: else -> heard = heard || e == epoch
       fi;
       FORGET
#ifndef TRUSTING
    :: life == 0 -> to_i ! END, 0, 0, 0; break
#endif
    od
  } unless { r_stops };
  atomic { epoch = 0; attempt = 0; life = 0; left = false; heard = false; pending = false; switched = false; made = 0; next_root = 0 };
end_over:
  do
  :: atomic { to_r ? _, e, a, root; FORGET }
  :: atomic { sound_to_r ?? e; FORGET }
  od
}
