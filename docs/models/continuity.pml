/* Continuity (PROTOCOL §4.7) under crash and loss.
 *
 * A client and a therapist meet again and again. A meeting makes a new secret and commits it in three durable writes.
 * Either program may stop at any moment and any message may be lost: then the meeting is over on both sides, and the next
 * one begins with what is on disk. At some moment somebody copies the client's disk and holds meetings too.
 *
 *   - as long as only the owner meets, the two find a common secret: no false alarm;
 *   - once the owner or the thief had a meeting that reached the therapist's disk, the other one's next meeting finds none;
 *   - after both POLICYs no old secret is on a disk of the two.
 *
 * With -DKEEP_PREVIOUS the therapist keeps the secret before, as §4.7 forbids: then a theft goes unnoticed, and spin must
 * find it.
 */
#define NONE 0
#ifndef MEETINGS
#define MEETINGS 6
#endif
#define OWNER 0
#define THIEF 1

/* On disk: the client's two secrets, its owner's and the copy's; the therapist's two. */
byte cur[2], prev[2];
byte r_cur, r_prev;
/* On disk: a session of this contact started, so that a missing secret is a finding. */
bool started, r_started;
bool copied;
/* Who reached the therapist's disk since the copy was made; 2: nobody. */
byte holder = 2;

active proctype world() {
  byte who, match, fresh, met;
  do
  :: met < MEETINGS ->
     if
     :: who = OWNER
     :: copied -> who = THIEF
     :: !copied && cur[OWNER] != NONE ->
        atomic { copied = true; cur[THIEF] = cur[OWNER]; prev[THIEF] = prev[OWNER]; who = OWNER }
     fi;
     met++;
     fresh = met;
     /* CONFIRM: the therapist compares the client's tags, in order, with those of its own secrets. */
     if
     :: cur[who] != NONE && (cur[who] == r_cur || cur[who] == r_prev) -> match = cur[who]
     :: else ->
        if
        :: prev[who] != NONE && (prev[who] == r_cur || prev[who] == r_prev) -> match = prev[who]
        :: else -> match = NONE
        fi
     fi;
     if
     :: !copied -> assert(match != NONE || (!started && !r_started))
     :: copied && holder != 2 && holder != who -> assert(match == NONE)
     :: else
     fi;
     do
     :: break                                       /* lost, or a program stopped */
     :: cur[who] = fresh; prev[who] = match;        /* client: ACK verified. Durable, then its POLICY */
        if
        :: break
        :: r_cur = fresh; r_started = true;         /* therapist: POLICY arrived. Durable, then its own */
#ifdef KEEP_PREVIOUS
           r_prev = match;
#endif
           if
           :: copied -> holder = who
           :: else
           fi;
           if
           :: break
           :: prev[who] = NONE;                     /* client: POLICY arrived */
              if
              :: who == OWNER -> started = true
              :: else
              fi;
#ifndef KEEP_PREVIOUS
              assert(prev[who] == NONE && r_prev == NONE && cur[who] == r_cur);
#endif
              break
           fi
        fi
     od
  :: met >= MEETINGS -> break
  od
}
