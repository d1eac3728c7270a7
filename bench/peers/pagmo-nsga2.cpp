// Hypervolume of pagmo's NSGA-II on ZDT, reference point (1.1, 1.1): ZDT POPULATION GENERATIONS SEED -> hypervolume.
#include <cstdio>
#include <cstdlib>
#include <pagmo/algorithm.hpp>
#include <pagmo/algorithms/nsga2.hpp>
#include <pagmo/population.hpp>
#include <pagmo/problem.hpp>
#include <pagmo/problems/zdt.hpp>
#include <pagmo/utils/hypervolume.hpp>
#include <vector>

int main(int argc, char **argv) {
  if (argc != 5) return 2;
  const unsigned number = std::atoi(argv[1]), size = std::atoi(argv[2]), generations = std::atoi(argv[3]), seed = std::atoi(argv[4]);
  pagmo::problem problem{pagmo::zdt(number, number >= 4 ? 10u : 30u)};
  pagmo::population population{problem, size, seed};
  // As the paper has it, and as ours: crossover 0.9 with index 15, mutation 1/n with index 20.
  pagmo::algorithm algorithm{pagmo::nsga2(generations, 0.9, 15., 1. / problem.get_nx(), 20., seed)};
  population = algorithm.evolve(population);
  std::vector<pagmo::vector_double> inside;
  for (const auto &values : population.get_f())
    if (values[0] < 1.1 && values[1] < 1.1) inside.push_back(values);
  std::printf("%.6f\n", inside.empty() ? 0. : pagmo::hypervolume(inside, true).compute({1.1, 1.1}));
}
