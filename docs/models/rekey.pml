/* Rekey (PROTOCOL §7.7): the control track is reliable and in order, media packets may be lost and overtake it.
 *
 *   - nobody sends in an epoch that the other does not accept yet;
 *   - the roots of an epoch that both send in are the same, also after attempts that failed;
 *   - there is no deadlock: every run ends stable in the last epoch, or by the end of attempts.
 *
 * With -DEAGER the responder sends in the next epoch as soon as it has answered: spin must find that it is ahead of the
 * initiator.
 */
#ifndef EPOCHS
#define EPOCHS 3
#endif
#ifndef ATTEMPTS
#define ATTEMPTS 3
#endif

mtype = { RK1, RK2, RK3, FAIL, EPOCH };

/* type, epoch, attempt, root */
chan to_r = [4] of { mtype, byte, byte, byte };
chan to_i = [4] of { mtype, byte, byte, byte };
/* The epoch of a packet of sound: read in any order, or never. */
chan sound_to_r = [2] of { byte };
chan sound_to_i = [2] of { byte };

byte i_tx, i_rx, r_tx, r_rx;     /* the newest epoch that is sent in, or accepted */
byte i_root, r_root;             /* of the newest epoch that is sent in: which attempt made it */
bool i_gave_up;

#define NOT_AHEAD assert(i_tx <= r_rx && r_tx <= i_rx)

active proctype initiator() {
  byte epoch, attempt, e, a, root;
  bool settled = true;           /* the other has left the epoch before on its data tracks */
  do
  :: epoch < EPOCHS && settled && attempt < ATTEMPTS ->
     attempt++;
     to_r ! RK1, epoch + 1, attempt, 0;
     do
     :: to_i ? RK2, e, a, root ->
        if
        :: e == epoch + 1 && a == attempt ->
           if
           :: /* it can't be read */ to_r ! FAIL, e, a, 0; break
           :: i_rx = e;
              to_r ! RK3, e, a, root;
              epoch = e; attempt = 0; settled = false;
              d_step { i_tx = e; i_root = root; NOT_AHEAD };
              to_r ! EPOCH, e, 0, 0;
              break
           fi
        :: else -> skip          /* of another attempt: ignored */
        fi
     :: to_i ? FAIL, e, a, root ->
        if
        :: e == epoch + 1 && a == attempt -> break
        :: else -> skip
        fi
     :: to_i ? EPOCH, e, a, root -> assert(e <= i_rx); settled = true
     od
  :: to_i ? EPOCH, e, a, root -> assert(e <= i_rx); settled = true
  :: to_i ? RK2, e, a, root -> skip
  :: to_i ? FAIL, e, a, root -> skip
  :: nfull(sound_to_r) -> sound_to_r ! i_tx
  :: sound_to_i ?? e -> assert(e <= i_rx)
  :: epoch == EPOCHS && settled -> break
  :: attempt == ATTEMPTS && settled -> i_gave_up = true; break
  od;
end_quiet:
  do
  :: to_i ? EPOCH, e, a, root -> assert(e <= i_rx)
  :: to_i ? RK2, e, a, root -> skip
  :: to_i ? FAIL, e, a, root -> skip
  :: sound_to_i ?? e -> assert(e <= i_rx)
  od
}

active proctype responder() {
  byte epoch, attempt, e, a, root, made, next_root;
  bool pending, switched;
end_waiting:
  do
  :: to_r ? RK1, e, a, root ->
     if
     :: e == epoch + 1 && a > attempt && !switched ->
        attempt = a; pending = false;
        if
        :: /* it can't be read */ to_i ! FAIL, e, a, 0
        :: made++;
           next_root = made; r_rx = e; pending = true;
           to_i ! RK2, e, a, next_root
#ifdef EAGER
           ; r_tx = e; NOT_AHEAD
#endif
        fi
     :: else -> skip
     fi
  :: to_r ? RK3, e, a, root ->
     if
     :: e == epoch + 1 && a == attempt ->
        assert(pending && root == next_root);          /* else the proof in RK3 is wrong: the session ends */
        if
        :: !switched -> d_step { r_tx = e; r_root = next_root; NOT_AHEAD }; to_i ! EPOCH, e, 0, 0
        :: else
        fi;
        epoch = e; attempt = 0; pending = false; switched = false;
        assert(i_tx != r_tx || i_root == r_root)
     :: else -> skip
     fi
  :: to_r ? FAIL, e, a, root ->
     if
     :: e == epoch + 1 && a == attempt -> assert(!switched); pending = false
     :: else -> skip
     fi
  :: to_r ? EPOCH, e, a, root -> assert(e <= r_rx)
  :: nfull(sound_to_i) -> sound_to_i ! r_tx
  :: sound_to_r ?? e ->
     assert(e <= r_rx);
     if
     :: e == epoch + 1 && pending && !switched ->      /* the initiator's media overtook RK3 */
        d_step { switched = true; r_tx = e; r_root = next_root; NOT_AHEAD }; to_i ! EPOCH, e, 0, 0
     :: else
     fi
  od
}
